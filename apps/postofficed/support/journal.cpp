#include "support/journal.hpp"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <vector>
#ifdef POSTOFFICED_SYSTEMD
#define SD_JOURNAL_SUPPRESS_LOCATION  // all lines are sent from here
#include <systemd/sd-journal.h>
#endif

namespace postofficed {
namespace {

// What lines begin with, and the part that it is about.
struct Word {
  std::string_view word;
  std::string_view part;
};
constexpr Word words[] = {
    {"PostgreSQL", "store"},  {"SQLite", "store"},     {"admin", "admin"},     {"broker", "broker"},
    {"callbacks", "ingress"}, {"expiry", "expiry"},    {"ingress", "ingress"}, {"log", "log"},
    {"pipeline", "pipeline"}, {"publisher", "broker"}, {"queue", "queue"},     {"reload", "reload"},
    {"service", "service"},   {"shard", "shard"},      {"source", "source"},   {"store", "store"}};

// As syslog(3) numbers them.
char priority_of(postoffice::LogLevel level) {
  switch (level) {
    case postoffice::LogLevel::debug: return '7';
    case postoffice::LogLevel::info: return '6';
    case postoffice::LogLevel::warning: return '4';
    case postoffice::LogLevel::error: return '3';
  }
  return '6';
}

#ifdef POSTOFFICED_SYSTEMD
// libsystemd drops lines without a word while this does not exist.
bool journal_listens() { return access("/run/systemd/journal/socket", F_OK) == 0; }
#endif

}  // namespace

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat own {};
  if (!stream || fstat(STDERR_FILENO, &own) != 0) return false;
  return stream == std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
}

std::string journal_prefix(postoffice::LogLevel level) {
  return std::string("<") + priority_of(level) + ">";
}

std::string_view part_of(std::string_view line) {
  const auto first = line.substr(0, line.find_first_of(" :"));
  const auto* const found = std::find_if(std::begin(words), std::end(words),
                                         [&](const Word& known) { return known.word == first; });
  return found != std::end(words) ? found->part : std::string_view();
}

#ifdef POSTOFFICED_SYSTEMD
bool send_to_journal(postoffice::LogLevel level, std::string_view line) {
  if (!journal_listens()) return false;
  std::vector<std::string> fields{"MESSAGE=" + std::string(line),
                                  std::string("PRIORITY=") + priority_of(level),
                                  "SYSLOG_IDENTIFIER=postofficed"};
  if (const auto part = part_of(line); !part.empty()) {
    fields.push_back("POSTOFFICE_PART=" + std::string(part));
  }
  std::vector<iovec> places;
  for (auto& field : fields) places.push_back({field.data(), field.size()});
  return sd_journal_sendv(places.data(), static_cast<int>(places.size())) == 0;
}
#else
bool send_to_journal(postoffice::LogLevel, std::string_view) { return false; }
#endif

}  // namespace postofficed
