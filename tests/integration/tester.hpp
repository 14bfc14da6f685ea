// The tester as a process, and what it recorded: the oracle of the end-to-end tests.
#pragma once

#include <rapidjson/document.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "postofficed.hpp"

namespace postoffice::testing {

/// Everything the outside knows. Times are microseconds since the epoch by the tester's clock,
/// which is this machine's.
struct Record {
  struct Sent {
    std::int64_t sent_at = 0;
    std::int64_t accepted_at = 0;  // 0: not accepted
    std::vector<std::int64_t> ids;
  };
  std::vector<Sent> accepted;
  std::size_t lost = 0;
  std::set<std::int64_t> sent;  // all ids, also those of callbacks without an answer

  /// The last accepted callback with each id.
  std::map<std::int64_t, Sent> last_of_each_id() const {
    std::map<std::int64_t, Sent> last;
    for (const Sent& sent : accepted) {
      for (const std::int64_t id : sent.ids) {
        if (sent.sent_at >= last[id].sent_at) last[id] = {sent.sent_at, sent.accepted_at, {}};
      }
    }
    return last;
  }

  std::int64_t slowest_us() const {
    std::int64_t slowest = 0;
    for (const Sent& sent : accepted) slowest = std::max(slowest, sent.accepted_at - sent.sent_at);
    return slowest;
  }
};

inline Record read_record(const std::string& path) {
  Record record;
  std::istringstream lines(content_of(path));
  for (std::string line; std::getline(lines, line);) {
    rapidjson::Document entry;
    entry.Parse(line.c_str());
    if (!entry.IsObject() || !entry.HasMember("sent_at")) continue;  // a fetch, or cut short
    if (!entry.HasMember("accepted_at")) {
      ++record.lost;
      for (const auto& id : entry["lost_ids"].GetArray()) record.sent.insert(id.GetInt64());
      continue;
    }
    Record::Sent sent;
    sent.sent_at = entry["sent_at"].GetInt64();
    sent.accepted_at = entry["accepted_at"].GetInt64();
    for (const auto& id : entry["ids"].GetArray()) sent.ids.push_back(id.GetInt64());
    record.sent.insert(sent.ids.begin(), sent.ids.end());
    record.accepted.push_back(std::move(sent));
  }
  return record;
}

class Tester {
 public:
  /// A source only, or a sender only, as the arguments say.
  explicit Tester(Arguments arguments) {
    arguments.insert(arguments.begin(), POSTOFFICE_TESTER);
    process_ = std::make_unique<Process>(arguments);
  }

  Process& process() { return *process_; }

  /// The port its source listens on.
  std::uint16_t source_port() {
    const std::string marker = ", port ";
    eventually([&] { return process_->out().find(marker) != std::string::npos; });
    const auto out = process_->out();
    const auto place = out.find(marker);
    if (place == std::string::npos) return 0;
    return static_cast<std::uint16_t>(std::atoi(out.c_str() + place + marker.size()));
  }

 private:
  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::testing
