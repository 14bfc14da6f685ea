// Mistakes that somebody could make here, to see that the tests notice. They exist only in a build
// with POSTOFFICE_PLANTED_BUGS; tests/planted/ switches on one after the other and looks on.
#pragma once

#include <cstdlib>
#include <string_view>

// clang-format off
#define POSTOFFICE_PLANTED_BUG_LIST(bug) \
  /* forwarding */                       \
  bug(forwarded_before_confirmed)        \
  bug(forward_frontier_too_early)        \
  /* the broker */                       \
  bug(nack_believed)                     \
  bug(return_ignored)                    \
  bug(tick_ahead_of_its_line)            \
  bug(carried_before_confirmed)          \
  bug(frontier_of_one_publisher)         \
  /* around it */                        \
  bug(frontier_after_inbox)              \
  bug(stop_acknowledges_unfinished)      \
  bug(accepted_before_durable)           \
  bug(wall_clock_believed)               \
  bug(http_answer_about_another_id)      \
  bug(older_answer_wins)                 \
  bug(last_seen_goes_back)               \
  bug(expired_without_a_look)            \
  bug(crowd_waits_awake)
// clang-format on

namespace postoffice {

enum class PlantedBug {
  none,
#define POSTOFFICE_PLANTED_BUG_NAME(name) name,
  POSTOFFICE_PLANTED_BUG_LIST(POSTOFFICE_PLANTED_BUG_NAME)
#undef POSTOFFICE_PLANTED_BUG_NAME
};

#ifdef POSTOFFICE_PLANTED_BUGS

/// The one that the environment variable POSTOFFICE_PLANTED_BUG names, if any.
inline PlantedBug chosen_bug() {
  const char* given = std::getenv("POSTOFFICE_PLANTED_BUG");
  const std::string_view wanted = given != nullptr ? given : "";
#define POSTOFFICE_PLANTED_BUG_NAME(name) \
  if (wanted == #name) return PlantedBug::name;
  POSTOFFICE_PLANTED_BUG_LIST(POSTOFFICE_PLANTED_BUG_NAME)
#undef POSTOFFICE_PLANTED_BUG_NAME
  return PlantedBug::none;
}

inline bool planted(PlantedBug bug) {
  static const PlantedBug chosen = chosen_bug();
  return bug == chosen;
}

#else

constexpr bool planted(PlantedBug) { return false; }

#endif

}  // namespace postoffice
