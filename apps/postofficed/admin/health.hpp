// How each part of this daemon does: a state, since when, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "admin/pages.hpp"
#include "postoffice/types.hpp"

namespace postofficed {

/// In the order of badness; well and idle are equally good.
enum class PartState {
  idle,      ///< there is nothing to do, and nothing is known against it
  well,      ///< works
  behind,    ///< works, but later than its bound
  degraded,  ///< works, but something needs a person
  down       ///< does not work
};

inline constexpr PartState part_states[] = {PartState::well, PartState::idle, PartState::behind,
                                            PartState::degraded, PartState::down};

/// "well", "idle", "behind", "degraded", "down".
const char* name_of(PartState state);

/// Whether somebody should look at it.
constexpr bool is_trouble(PartState state) { return state >= PartState::behind; }

/// Something that has happened lately and is over, told beside the state.
struct PartEvent {
  PartState state = PartState::degraded;  ///< of the part, if nothing else is wrong with it
  std::string means{};
  std::string next{};
};

struct PartHealth {
  std::string part;  ///< ingress, queue, broker, source, store, expiry
  PartState state = PartState::idle;
  postoffice::Timestamp since{};  ///< since when it has been in this state
  std::string last_error{};       ///< the newest known, also when it is over; empty: none yet
  std::string means{};            ///< what the state means, with the figures and bounds behind it
  std::string next{};             ///< what to do about it; empty: nothing, or it recovers by itself
  std::vector<PartEvent> events{};  ///< that the state does not tell
};

/// The parts that this role has, in the order of the path of a callback. Any thread.
std::vector<PartHealth> find_parts(const Shown& shown, const postoffice::PipelineStatus& status);

/// The member "parts".
void write_parts(Json& json, const std::vector<PartHealth>& parts, postoffice::Timestamp now);

/// postoffice_part_state{part,state}: a series for each state of each part.
void write_parts(MetricsText& out, const std::vector<PartHealth>& parts);

}  // namespace postofficed
