// The screen of `top`: what is known, made into lines. No terminal is needed for it.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "commands/top/figures.hpp"
#include "commands/top/line.hpp"

namespace postofficed::top {

/// Everything that the screen shows.
struct Model {
  std::string address;
  std::optional<Figures> figures;  ///< none as long as the daemon has not answered
  std::deque<Histogram> source;    ///< what it did between the last looks, the newest at the end
  std::string away;                ///< why the daemon does not answer; empty while it does
  double away_for = 0;             ///< seconds
  bool paused = false;
  bool interactive = false;  ///< somebody can press keys
};

struct Area {
  std::size_t width = 80;
  std::size_t height = 24;
};

/// At most so many lines, none of them longer than the area is wide.
std::vector<Line> draw(const Model& model, Area area);

}  // namespace postofficed::top
