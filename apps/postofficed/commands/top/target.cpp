#include "commands/top/target.hpp"

#include <algorithm>

#include "base/host_port.hpp"
#include "options/config_file.hpp"

namespace postofficed::top {
namespace {

std::string first_line(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return {};
  const auto end = std::min(text->find_first_of("\r\n"), text->size());
  return text->substr(0, end);
}

const ShownOption* find_option(const ParsedOptions& parsed, const char* name) {
  for (const auto& option : parsed.shown) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

/// A daemon may listen on every address of its machine; one of them is enough to find it.
std::string reachable(const std::string& address) {
  const auto parts = postoffice::parse_host_port(address);
  if (!parts) return address;
  const bool everywhere = parts->host.empty() || parts->host == "0.0.0.0" || parts->host == "::";
  return everywhere ? "localhost:" + std::to_string(parts->port) : address;
}

}  // namespace

Target find_target(const ParsedOptions& parsed) {
  const auto& options = parsed.options;
  Target target;
  const auto* given = find_option(parsed, "admin-listen");
  const bool said = given != nullptr && given->origin != "default";
  if (!said) target.address = first_line(options.data_dir + "/admin-address");
  if (target.address.empty()) target.address = options.admin_listen;
  target.address = reachable(target.address);
  if (const auto* file = find_option(parsed, "admin-token-file")) {
    target.token = first_line(file->value);
  }
  if (target.token.empty()) target.token = first_line(options.data_dir + "/admin-token");
  return target;
}

}  // namespace postofficed::top
