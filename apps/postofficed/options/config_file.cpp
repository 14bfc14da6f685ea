#include "options/config_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>

namespace postofficed {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* spaces = " \t\r";
  const auto begin = text.find_first_not_of(spaces);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

std::string unquoted(const std::string& value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
  return value.substr(1, value.size() - 2);
}

}  // namespace

std::vector<ConfigEntry> read_config(const std::string& text, std::vector<std::string>& problems) {
  std::vector<ConfigEntry> entries;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = trimmed(line);
    if (line.empty() || line.front() == '#') continue;
    const auto equals = line.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.push_back(std::to_string(number) + ": this is not a \"key = value\" line");
      continue;
    }
    entries.push_back(
        {trimmed(line.substr(0, equals)), unquoted(trimmed(line.substr(equals + 1))), number});
  }
  return entries;
}

Result<std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  std::string text;
  bool good = file != nullptr;
  char buffer[4096];
  while (good && !std::feof(file.get())) {
    text.append(buffer, std::fread(buffer, 1, sizeof buffer, file.get()));
    good = std::ferror(file.get()) == 0;
  }
  if (!good) return misconfigured("cannot read " + path + ": " + std::strerror(errno));
  return text;
}

}  // namespace postofficed
