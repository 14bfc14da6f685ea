// What is wrong, in words for the person who is alerted.
#pragma once

#include <string>
#include <vector>

#include "admin/health.hpp"
#include "admin/pages.hpp"

namespace postofficed {

struct Trouble {
  std::string part;  ///< queue, broker, source, store, rows, expiry, backlog, log, pipeline
  std::string what;  ///< what is wrong, with names, numbers and the other side's own words
  std::string next;  ///< what to do about it; empty: it recovers by itself
  PartState state = PartState::down;  ///< of the part, if nothing else is wrong with it
};

using Troubles = std::vector<Trouble>;

/// Whether there is anything to ask the source, now or after a pause.
constexpr bool asks_source(const postoffice::PipelineStatus& status) {
  return status.fetches_in_flight > 0 || status.retries_waiting > 0;
}

/// All troubles at this moment; none: everything is well.
Troubles find_troubles(const Shown& shown, const postoffice::PipelineStatus& status);

/// The member "troubles".
void write_troubles(Json& json, const Troubles& troubles);

// One function for each kind of trouble, each in a file of its own.
void find_queue_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_store_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_row_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_source_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_answer_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_backlog_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_broker_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);
void find_log_troubles(const Shown&, const postoffice::PipelineStatus&, Troubles&);

}  // namespace postofficed
