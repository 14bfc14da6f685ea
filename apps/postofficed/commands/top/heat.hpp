// How long the source took, over time: a column a look, a row for each range of durations.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "commands/top/histogram.hpp"

namespace postofficed::top {

struct HeatRow {
  double up_to = 0;     ///< seconds
  bool beyond = false;  ///< longer than that, instead
  std::string cells;    ///< one character of UTF-8 for each look
};

/// The longest durations first. At most `rows` rows and `columns` columns; none as long as nothing
/// was fetched.
std::vector<HeatRow> heat(const std::deque<Histogram>& looks, std::size_t rows,
                          std::size_t columns);

}  // namespace postofficed::top
