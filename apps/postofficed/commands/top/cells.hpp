// The figures of `top`, each with its name and its words.
#pragma once

#include <string>
#include <vector>

#include "commands/top/figures.hpp"
#include "commands/top/line.hpp"

namespace postofficed::top {

/// A figure with its name.
struct Cell {
  std::string label;
  std::string value;
  Colour colour = Colour::bold;
  std::size_t width = 20;  ///< at least, so that others stay where they are when it changes
};

/// What goes through, and what is under way.
std::vector<Cell> work_cells(const Figures& figures);

/// How long the oldest waits, by cause.
std::vector<Cell> age_cells(const Sample& now);

std::vector<Cell> latency_cells(const Figures& figures);

/// What is held, and how much room there is for more.
std::vector<Cell> room_cells(const Sample& now);

}  // namespace postofficed::top
