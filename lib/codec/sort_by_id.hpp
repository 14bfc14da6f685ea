// Sorts rows by their id, in time that grows with their number alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// Digit by digit, the lowest first (Knuth 5.2.5, algorithm R); digits that all ids share cost
/// nothing. Equal ids keep their order in long lists only. `spare` is working memory.
template <typename Row>
void sort_by_id(std::vector<Row>& rows, std::vector<Row>& spare) {
  constexpr std::size_t digits = 8;
  constexpr std::size_t worth_it = 200;  // below this, comparing is faster
  const auto before = [](const Row& a, const Row& b) { return a.id < b.id; };
  if (std::is_sorted(rows.begin(), rows.end(), before)) return;
  if (rows.size() < worth_it) return std::sort(rows.begin(), rows.end(), before);

  // With its highest bit turned, an id is in order as an unsigned number.
  const auto digit = [](const Row& row, std::size_t which) {
    const auto key = static_cast<std::uint64_t>(row.id) ^ (std::uint64_t{1} << 63);
    return static_cast<std::uint8_t>(key >> (8 * which));
  };
  std::array<std::array<std::uint32_t, 256>, digits> counts{};
  for (const Row& row : rows) {
    for (std::size_t which = 0; which < digits; ++which) ++counts[which][digit(row, which)];
  }
  spare.resize(rows.size());
  for (std::size_t which = 0; which < digits; ++which) {
    auto& count = counts[which];
    if (count[digit(rows.front(), which)] == rows.size()) continue;
    std::uint32_t place = 0;
    for (auto& each : count) place += std::exchange(each, place);
    for (Row& row : rows) spare[count[digit(row, which)]++] = std::move(row);
    rows.swap(spare);
  }
}

}  // namespace postoffice::codec
