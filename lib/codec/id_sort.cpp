#include "codec/id_sort.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

namespace postoffice::codec {
namespace {

// Ids come in any order, a hundred or so at a time. A comparison sort then mispredicts a branch for
// nearly every comparison. So the ids are put into twice as many buckets as there are ids, which
// leaves few of them in the wrong order; an insertion sort does the rest (interpolation, as in
// Flashsort: K.-D. Neubert, Dr. Dobb's Journal 2/1998). If the ids are spread so unevenly that this
// does not work, it is abandoned after a few moves per id.

constexpr std::size_t worth_it = 24;  // below, the table costs more than the comparisons
constexpr std::size_t buckets_max = 8192;
constexpr std::size_t moves_max = 8;  // for each id

bool is_strictly_rising(std::span<const ObjectId> ids) {
  bool rising = true;
  for (std::size_t i = 1; i < ids.size(); ++i) rising = rising && ids[i - 1] < ids[i];
  return rising;
}

/// Replaces each count by the sum of the counts before it, one word at a time: the multiplication
/// adds all lower places of the word to each place.
template <typename Count>
void add_up(Count* counts, std::size_t size) {
  constexpr unsigned bits = std::numeric_limits<Count>::digits;
  constexpr std::uint64_t one_each = ~std::uint64_t{0} / std::numeric_limits<Count>::max();
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t) / sizeof(Count)) {
    std::uint64_t word = 0;
    std::memcpy(&word, counts + i, sizeof word);
    const std::uint64_t sums = word * one_each;
    const std::uint64_t places = (sums << bits) + before * one_each;
    before += sums >> (64 - bits);
    std::memcpy(counts + i, &places, sizeof places);
  }
}

/// `base` is the lowest id, and all others are within 2^`bits` of it. The numbers are unsigned, so
/// that differences do not overflow.
template <typename Count>
void put_in_buckets(std::span<const ObjectId> ids, std::uint64_t base, unsigned bits,
                    std::size_t buckets, std::vector<ObjectId>& out) {
  std::array<Count, sizeof(Count) == 1 ? 512 : buckets_max> places;
  std::fill_n(places.begin(), buckets, Count{0});
  const unsigned bucket_bits = static_cast<unsigned>(std::bit_width(buckets)) - 1;
  const unsigned shift = bits > bucket_bits ? bits - bucket_bits : 0;
  const auto place_of = [&](ObjectId id) -> Count& {
    return places[(static_cast<std::uint64_t>(id) - base) >> shift];
  };
  for (const ObjectId id : ids) ++place_of(id);
  add_up(places.data(), buckets);
  out.resize(ids.size());
  for (const ObjectId id : ids) out[place_of(id)++] = id;
}

/// False if sorting was abandoned.
bool sort_nearly_sorted(std::vector<ObjectId>& ids) {
  std::size_t moves = 0;
  for (std::size_t i = 1; i < ids.size(); ++i) {
    const ObjectId id = ids[i];
    std::size_t at = i;
    for (; at > 0 && ids[at - 1] > id; --at) ids[at] = ids[at - 1];
    ids[at] = id;
    moves += i - at;
    if (moves > moves_max * ids.size()) return false;
  }
  return true;
}

void sort(std::span<const ObjectId> ids, std::vector<ObjectId>& sorted) {
  static_assert(std::endian::native == std::endian::little, "add_up() counts on it");
  if (ids.size() >= worth_it && ids.size() <= std::numeric_limits<std::uint16_t>::max()) {
    ObjectId least = ids.front();
    ObjectId greatest = ids.front();
    for (const ObjectId id : ids) {
      least = std::min(least, id);
      greatest = std::max(greatest, id);
    }
    const auto base = static_cast<std::uint64_t>(least);
    const auto bits =
        static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(greatest) - base));
    const std::size_t buckets = std::min(std::bit_ceil(ids.size()) * 2, buckets_max);
    if (ids.size() <= std::numeric_limits<std::uint8_t>::max()) {
      put_in_buckets<std::uint8_t>(ids, base, bits, buckets, sorted);
    } else {
      put_in_buckets<std::uint16_t>(ids, base, bits, buckets, sorted);
    }
    if (sort_nearly_sorted(sorted)) return;
  } else {
    sorted.assign(ids.begin(), ids.end());
  }
  std::sort(sorted.begin(), sorted.end());
}

}  // namespace

std::span<const ObjectId> sort_ids(std::span<const ObjectId> ids, std::vector<ObjectId>& space) {
  if (is_strictly_rising(ids)) return ids;
  sort(ids, space);
  space.erase(std::unique(space.begin(), space.end()), space.end());
  return space;
}

}  // namespace postoffice::codec
