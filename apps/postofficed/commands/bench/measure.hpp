// The measurement itself: phase after phase, on a private instance.
#pragma once

#include <functional>

#include "commands/bench/figures.hpp"
#include "exit_code.hpp"
#include "support/held_signals.hpp"
#include "support/progress.hpp"

namespace postofficed::bench {

/// In `directory`, which must be empty, and holds what is left of the instance afterwards. Stops
/// early, with figures that say nothing, when a signal has come.
Result<Figures> measure(const std::string& directory, const Parameters& parameters,
                        const HeldSignals& signals, Progress& progress);

}  // namespace postofficed::bench
