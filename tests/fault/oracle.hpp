// Compares the senders' answers with the source's fetches and the table's rows.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "integration/postofficed.hpp"
#include "sender.hpp"
#include "support/rows.hpp"
#include "support/source.hpp"
#include "support/sqlite_rows.hpp"

namespace postoffice::testing {

/// The daemon stamps by a clock that was set once; the outside looks at the wall clock.
inline constexpr std::int64_t clock_slack_us = 20'000;

/// Counts broken promises, and shows the first of each kind.
class Complaints {
 public:
  void add(const std::string& kind, std::int64_t id) {
    if (counts_[kind]++ == 0) first_[kind] = id;
  }
  void check() const {
    for (const auto& [kind, count] : counts_) {
      FAIL_CHECK(count << " × " << kind << ", the first with id " << first_.at(kind));
    }
  }

 private:
  std::map<std::string, std::size_t> counts_;
  std::map<std::string, std::int64_t> first_;
};

/// Once everything has ended: what was accepted was fetched after its receipt and has its row, with
/// the receipt as its last_seen (S1, S3, S4), and nothing is there that was never sent. Rows must
/// not have expired. `crashes`: when they were, rising; an id is fetched at most once more after
/// each.
inline void check_outcome(const Ledger& ledger, const Source& source, const Rows& rows,
                          const std::vector<std::int64_t>& crashes) {
  const auto crashes_since = [&](std::int64_t time) {
    return crashes.end() - std::lower_bound(crashes.begin(), crashes.end(), time);
  };
  Complaints complaints;
  std::map<std::int64_t, Sent> accepted;        // the last of each id
  std::map<std::int64_t, std::int64_t> latest;  // when the last was answered or given up
  for (const Sent& sent : ledger.all()) {
    for (const auto id : sent.ids) {
      latest[id] = std::max(latest[id], sent.answered_at);
      auto& last = accepted[id];
      if (sent.status == 202 && sent.sent_at >= last.sent_at) last = sent;
    }
  }
  const auto fetches = source.fetches();
  for (const auto& [id, last] : accepted) {
    if (last.status != 202) continue;
    const auto fetch = fetches.find(id);
    if (fetch == fetches.end() || fetch->second.last_at < last.sent_at - clock_slack_us) {
      complaints.add("accepted, but not fetched after its receipt", id);
    } else if (id > 0 && fetch->second.count > 1 + crashes_since(last.sent_at)) {
      complaints.add("fetched more often than once and after each crash", id);
    }
    const auto row = rows.find(id);
    if (row == rows.end()) {
      complaints.add("accepted, but without row", id);
      continue;
    }
    if (row->second.online != (id % 2 == 0)) complaints.add("another online", id);
    if (row->second.last_seen < last.sent_at - clock_slack_us) {
      complaints.add("last_seen before the last receipt", id);
    }
    if (row->second.last_seen > latest[id] + clock_slack_us) {
      complaints.add("last_seen after the last receipt", id);
    }
  }
  for (const auto& [id, count] : fetches) {
    if (!latest.contains(id)) complaints.add("fetched, but never sent", id);
  }
  for (const auto& [id, row] : rows) {
    if (!latest.contains(id)) complaints.add("row, but never sent", id);
  }
  complaints.check();
}

/// S8, at this instant.
inline void check_identity(const Daemon& daemon) {
  const auto status = daemon.page("/status").body;
  const auto value = [&](const std::string& name) {
    const auto place = status.find("\"" + name + "\":");
    REQUIRE_MESSAGE(place != std::string::npos, name);
    return std::atoll(status.c_str() + place + name.size() + 3);
  };
  CHECK(value("accepted_ids") == value("stored") + value("merged") + value("not_found") +
                                     value("expired") + value("dead") + value("pending"));
}

/// Every accepted callback has been dealt with, and the queue knows it.
inline bool all_ended(const Daemon& daemon, std::chrono::seconds limit = std::chrono::seconds(60)) {
  return eventually(
      [&] {
        return daemon.status("pending") == 0 &&
               daemon.status("acknowledged") == daemon.status("last_durable");
      },
      limit);
}

/// Notes rows that were seen: last_seen of a row never goes back.
class RowWatch {
 public:
  void look(const Rows& rows) {
    for (const auto& [id, row] : rows) {
      auto& newest = newest_[id];
      if (row.last_seen < newest) complaints_.add("last_seen went back", id);
      newest = std::max(newest, row.last_seen);
    }
  }
  void check() const { complaints_.check(); }

 private:
  std::map<std::int64_t, std::int64_t> newest_;
  Complaints complaints_;
};

}  // namespace postoffice::testing
