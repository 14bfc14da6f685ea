#include "journal/id_sort.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace postoffice::journal {
namespace {

// Ids come in any order, a hundred or so at a time, which is where a comparison sort mispredicts a
// branch for nearly every comparison. A radix sort (least significant digit first; Knuth 5.2.5,
// algorithm R) has no such branch and takes a quarter of the time (bench/journal_bench).

constexpr std::size_t worth_it = 40;  // below, the tables cost more than the comparisons
constexpr unsigned digit_bits_max = 8;

bool is_strictly_rising(std::span<const ObjectId> ids) {
  bool rising = true;
  for (std::size_t i = 1; i < ids.size(); ++i) rising = rising && ids[i - 1] < ids[i];
  return rising;
}

/// The distance from the least id, which is what is sorted by. Half as wide as an id: those that
/// lie further apart are compared.
using Key = std::uint32_t;

/// Sorts `count` keys in `passes` rounds. The result lies in the first array if `passes` is even.
template <unsigned passes>
void sort_in(Key* keys, Key* other, std::size_t count, unsigned digit_bits) {
  const Key mask = (Key{1} << digit_bits) - 1;
  std::array<std::array<std::uint32_t, 1u << digit_bits_max>, passes> places;
  for (auto& table : places) std::fill_n(table.begin(), mask + 1, 0);
  for (std::size_t i = 0; i < count; ++i) {
    for (unsigned pass = 0; pass < passes; ++pass) {
      ++places[pass][(keys[i] >> (pass * digit_bits)) & mask];
    }
  }
  std::array<std::uint32_t, passes> before{};
  for (Key digit = 0; digit <= mask; ++digit) {
    for (unsigned pass = 0; pass < passes; ++pass) {
      before[pass] += std::exchange(places[pass][digit], before[pass]);
    }
  }
  for (unsigned pass = 0; pass < passes; ++pass, std::swap(keys, other)) {
    for (std::size_t i = 0; i < count; ++i) {
      other[places[pass][(keys[i] >> (pass * digit_bits)) & mask]++] = keys[i];
    }
  }
}

void sort_keys(std::vector<Key>& keys, std::vector<Key>& other, unsigned bits) {
  other.resize(keys.size());
  const unsigned passes = (bits + digit_bits_max - 1) / digit_bits_max;
  const unsigned digit_bits = (bits + passes - 1) / passes;
  switch (passes) {
    case 1: sort_in<1>(keys.data(), other.data(), keys.size(), digit_bits); break;
    case 2: sort_in<2>(keys.data(), other.data(), keys.size(), digit_bits); break;
    case 3: sort_in<3>(keys.data(), other.data(), keys.size(), digit_bits); break;
    default: sort_in<4>(keys.data(), other.data(), keys.size(), digit_bits); break;
  }
  if (passes % 2 != 0) keys.swap(other);
}

void sort_wide(std::span<const ObjectId> ids, std::vector<ObjectId>& sorted) {
  sorted.assign(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
}

void sort(std::span<const ObjectId> ids, SortSpace& space) {
  if (ids.size() < worth_it) return sort_wide(ids, space.ids);
  ObjectId least = ids.front();
  ObjectId greatest = ids.front();
  for (const ObjectId id : ids) {
    least = std::min(least, id);
    greatest = std::max(greatest, id);
  }
  // As unsigned numbers, whose differences do not overflow.
  const auto base = static_cast<std::uint64_t>(least);
  const auto bits = std::bit_width(static_cast<std::uint64_t>(greatest) - base);
  if (bits > 32) return sort_wide(ids, space.ids);
  space.keys.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    space.keys[i] = static_cast<Key>(static_cast<std::uint64_t>(ids[i]) - base);
  }
  if (bits > 0) sort_keys(space.keys, space.other, static_cast<unsigned>(bits));
  space.ids.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    space.ids[i] = static_cast<ObjectId>(base + space.keys[i]);
  }
}

}  // namespace

std::span<const ObjectId> sort_ids(std::span<const ObjectId> ids, SortSpace& space) {
  if (is_strictly_rising(ids)) return ids;
  sort(ids, space);
  space.ids.erase(std::unique(space.ids.begin(), space.ids.end()), space.ids.end());
  return space.ids;
}

}  // namespace postoffice::journal
