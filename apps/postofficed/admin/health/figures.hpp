// What the states of the parts are decided by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/health.hpp"
#include "admin/troubles.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/store_status.hpp"
#include "postoffice/types.hpp"

namespace postofficed {

/// Values only, so that tests make them by hand. What a role does not have is empty.
struct HealthFigures {
  postoffice::Timestamp now{};
  postoffice::PipelineStatus pipeline{};
  Troubles troubles{};  ///< of all parts
  bool stopping = false;
  bool has_source = false;
  bool has_broker = false;
  double watermark_lag_seconds = 0;
  std::optional<postoffice::HttpIngressStatus> ingress{};
  std::optional<postoffice::FileQueue::Space> space{};  ///< of the file queue
  std::uint64_t lost_records = 0;
  postoffice::StoreStatus store{};
  std::optional<StoreCounts> counts{};  ///< of rows and dead letters; nothing while unknown
};

HealthFigures read_figures(const Shown& shown, const postoffice::PipelineStatus& status);

/// As find_parts() of admin/health.hpp, for who needs the figures, too.
std::vector<PartHealth> find_parts(const Shown& shown, const HealthFigures& figures);

/// What only several looks at the figures show; a HealthWatch keeps them.
struct HealthTrends {
  std::uint64_t refused = 0;  ///< callbacks answered with 503 lately (HealthBounds::lately)
  /// Since when the watermark has been lagging by more than its bound; max: it has not.
  postoffice::Timestamp lagging_since = postoffice::Timestamp::max();
  double growth = 0;  ///< of the queue's files, in bytes a second; 0 unless it is steady
  postoffice::Timestamp lost_at = postoffice::Timestamp::min();  ///< records; min: none were
};

/// From where on something is trouble. docs/health.md lists them.
struct HealthBounds {
  postoffice::Duration fetch_timeout = std::chrono::seconds(10);

  /// An answer that takes longer than this is late.
  postoffice::Duration late_answer() const { return fetch_timeout / 2; }

  static constexpr auto lately = std::chrono::seconds(10);
  static constexpr auto idle_after = std::chrono::seconds(60);
  /// An event that somebody should know of is shown for so long.
  static constexpr auto shown_for = std::chrono::minutes(10);
  /// A dead letter is in the store, and is counted there, this long after it was given up.
  static constexpr auto settled_after = std::chrono::seconds(5);
  static constexpr auto failing_for = std::chrono::seconds(2);
  static constexpr std::uint64_t failures_in_a_row = 3;
  static constexpr unsigned fetches_that_tell = 8;
  static constexpr auto late_row = std::chrono::seconds(2);
  static constexpr auto watermark_lag = std::chrono::seconds(2);
  static constexpr auto lagging_for = std::chrono::seconds(2);  ///< a start is not reported
  static constexpr auto disk_full_within = std::chrono::minutes(10);
  static constexpr std::uint64_t disk_free = 2ull << 30;  ///< or a tenth of the disk, if less
};

/// One thing about a part. The worst one of a part is its state.
struct Finding {
  PartState state = PartState::well;
  std::string means{};
  std::string next{};
  std::string error{};           ///< for PartHealth::last_error
  bool told = false;             ///< the part itself logs both turns
  postoffice::Duration holds{};  ///< how long the state stays when the cause has gone
  /// It is over, and shown for a while: whatever is wrong at present comes first.
  bool event = false;
};
using Findings = std::vector<Finding>;

/// Nobody lags before the watermark is known.
bool watermark_lags(const HealthFigures& figures);

// One function for each part, each in a file of its own. Empty: nothing is wrong.
Findings judge_ingress(const HealthFigures&, const HealthTrends&, const HealthBounds&);
Findings judge_queue(const HealthFigures&, const HealthTrends&, const HealthBounds&);
Findings judge_broker(const HealthFigures&, const HealthTrends&, const HealthBounds&);
Findings judge_source(const HealthFigures&, const HealthTrends&, const HealthBounds&);
Findings judge_store(const HealthFigures&, const HealthTrends&, const HealthBounds&);
Findings judge_expiry(const HealthFigures&, const HealthTrends&, const HealthBounds&);

/// The troubles of `part`, as findings that the part itself logs.
void add_troubles(const HealthFigures& figures, const char* part, Findings& findings);
bool has_trouble(const HealthFigures& figures, const char* part);

/// "12.3 s".
std::string in_seconds(postoffice::Duration span);

}  // namespace postofficed
