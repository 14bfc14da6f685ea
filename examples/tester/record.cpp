#include "record.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <stdexcept>

namespace tester {
namespace {

std::string list_of(const std::vector<std::int64_t>& ids) {
  std::string text = "[";
  for (const auto id : ids) {
    if (text.size() > 1) text += ',';
    text += std::to_string(id);
  }
  return text + "]";
}

/// A receipt comes from outside: unusual characters are left out.
std::string plain(const std::string& text) {
  std::string kept;
  for (const char c : text) {
    if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') kept += c;
  }
  return kept;
}

}  // namespace

std::int64_t wall_clock() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string time_of_day() {
  const std::int64_t now = wall_clock();
  const std::time_t seconds = now / 1'000'000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(now / 1000 % 1000));
  return text;
}

std::string Totals::text() const {
  return "sent " + std::to_string(sent) + ", accepted " + std::to_string(accepted) + ", refused " +
         std::to_string(refused) + ", no connection " + std::to_string(failed) + ", timed out " +
         std::to_string(timed_out) + ", fetches answered " + std::to_string(answered) + " of " +
         std::to_string(requests);
}

Record::Record(const std::string& path) {
  if (path.empty()) return;
  file_.reset(std::fopen(path.c_str(), "w"));
  if (!file_) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
}

void Record::accepted(std::int64_t sent_at, std::int64_t accepted_at, const std::string& receipt,
                      const std::vector<std::int64_t>& ids) {
  if (!file_) return;
  write("{\"sent_at\":" + std::to_string(sent_at) +
        ",\"accepted_at\":" + std::to_string(accepted_at) + ",\"receipt\":\"" + plain(receipt) +
        "\",\"ids\":" + list_of(ids) + "}\n");
}

void Record::lost(std::int64_t sent_at, std::int64_t lost_at, int status,
                  const std::vector<std::int64_t>& ids) {
  if (!file_) return;
  write("{\"sent_at\":" + std::to_string(sent_at) + ",\"lost_at\":" + std::to_string(lost_at) +
        ",\"status\":" + std::to_string(status) + ",\"lost_ids\":" + list_of(ids) + "}\n");
}

void Record::fetch(std::int64_t id, std::int64_t at, int status) {
  if (!file_) return;
  write("{\"fetch\":" + std::to_string(id) + ",\"at\":" + std::to_string(at) +
        ",\"status\":" + std::to_string(status) + "}\n");
}

void Record::flush() {
  const std::lock_guard lock(mutex_);
  if (file_) std::fflush(file_.get());
}

void Record::write(const std::string& line) {
  const std::lock_guard lock(mutex_);
  std::fwrite(line.data(), 1, line.size(), file_.get());
}

}  // namespace tester
