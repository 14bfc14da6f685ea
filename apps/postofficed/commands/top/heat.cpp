#include "commands/top/heat.hpp"

#include <algorithm>
#include <array>

namespace postofficed::top {
namespace {

constexpr std::array shades{" ", "░", "▒", "▓", "█"};

/// The buckets in which anything was, from the first to the last.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Range used_buckets(const std::deque<Histogram>& looks, std::size_t buckets) {
  Range range{buckets, 0};
  for (const auto& look : looks) {
    if (look.counts.size() != buckets) continue;
    for (std::size_t i = 0; i < buckets; ++i) {
      if (look.counts[i] == 0) continue;
      range.begin = std::min(range.begin, i);
      range.end = std::max(range.end, i + 1);
    }
  }
  return range;
}

std::uint64_t count_in(const Histogram& look, Range range) {
  std::uint64_t count = 0;
  for (std::size_t i = range.begin; i < std::min(range.end, look.counts.size()); ++i) {
    count += look.counts[i];
  }
  return count;
}

/// Anything is seen; the darkest is half of all.
const char* shade(std::uint64_t count, std::uint64_t total) {
  if (count == 0 || total == 0) return shades.front();
  const double share = static_cast<double>(count) / static_cast<double>(total);
  const auto step = static_cast<std::size_t>(share * 2 * (shades.size() - 1)) + 1;
  return shades[std::min(step, shades.size() - 1)];
}

}  // namespace

std::vector<HeatRow> heat(const std::deque<Histogram>& looks, std::size_t rows,
                          std::size_t columns) {
  std::vector<HeatRow> drawn;
  if (looks.empty() || rows == 0 || columns == 0) return drawn;
  const auto& bounds = looks.back().bounds;
  const Range used = used_buckets(looks, bounds.size() + 1);
  if (used.begin >= used.end) return drawn;
  const std::size_t each = (used.end - used.begin + rows - 1) / rows;
  const auto first_look =
      looks.end() - static_cast<std::ptrdiff_t>(std::min(columns, looks.size()));
  for (std::size_t begin = used.begin; begin < used.end; begin += each) {
    const Range range{begin, std::min(begin + each, used.end)};
    HeatRow row;
    row.beyond = range.end > bounds.size();
    if (!bounds.empty()) row.up_to = row.beyond ? bounds.back() : bounds[range.end - 1];
    for (auto look = first_look; look != looks.end(); ++look) {
      row.cells += shade(count_in(*look, range), look->total());
    }
    drawn.push_back(std::move(row));
  }
  std::reverse(drawn.begin(), drawn.end());
  return drawn;
}

}  // namespace postofficed::top
