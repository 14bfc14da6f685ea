// Reads "1,22,333," without a branch for each digit.
//
// Nearly all bytes of a callback are ids and commas. The obvious loop (add a digit, look for the
// comma) is slow for one reason: ids differ in length, so the processor mispredicts where most of
// them end, and waits. Here nothing depends on the length of a number. There are two passes over
// each chunk of 2 KiB:
//
//  1. find_commas() compares 64 bytes at once and gets one bit for each: is it a comma, is it
//     anything but a digit? From the bits it notes where the commas are. It stops before the first
//     byte that does not belong to a run (a sign, a bracket, a letter).
//  2. IdReader reads the number in front of each comma, four at a time. It loads the eight bytes
//     that *end* there, and clears those in front of the number by a mask that its length selects.
//     What is left are eight digits, the leading ones zero, whatever the length was.
//
// Eight digits d0…d7 become a number in three multiplications, each of which joins neighbours:
// pairs are 10*d0+d1, fours are 100*pair+pair, and the number is 10000*four+four. SSE2 does this
// for several numbers in one register; that is all that x86-64 promises, so there is one code path
// and no detection at run time. Longer numbers, and other processors, use read_id(), which does the
// same with ordinary integers.
//
// Why this is correct: only digits can lie between the commas that pass 1 noted (and a space after
// a comma, which start() skips), so pass 2 need not check them again. What it must refuse is an
// empty number, a leading zero (JSON has none) and a value above 2^63 - 1. The length 0 of an empty
// number fails `length - 1 < 8`, which is unsigned, and read_id() refuses it. Leading zeros are
// collected in zeros_ and checked once for each chunk. Up to 16 digits always fit; longer numbers
// go to scan_integer(), which checks the range. A test compares the results with those of the
// strict reader, on random bodies.
#include "http/server/id_run.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "http/server/integer_scan.hpp"

#if defined(__SSE2__) && !defined(POSTOFFICE_PORTABLE)
#define POSTOFFICE_SSE2
#include <emmintrin.h>
#endif

namespace postoffice::http {
namespace {

constexpr std::size_t chunk_size = 2048;
constexpr std::size_t unrolled = 12;  ///< commas in a block, in most of them

/// Where the commas of a chunk are. They are written twelve at a time, so there is room for more
/// than there are.
struct Commas {
  std::array<std::uint16_t, chunk_size + scan_block_size> at;
  std::size_t count = 0;
  bool with_spaces = false;
};

// The index of the lowest bit; any value if no bit is set, since surplus commas are not used.
std::size_t lowest(std::uint64_t bits) {
  return static_cast<std::size_t>(std::countr_zero(bits | std::uint64_t{1} << 63));
}

void note(Commas& commas, std::uint64_t bits, std::size_t count, std::size_t offset) {
  std::uint16_t* const out = commas.at.data() + commas.count;
  for (std::size_t done = 0; done < count; done += unrolled) {
    for (std::size_t i = done; i < done + unrolled; ++i) {
      out[i] = static_cast<std::uint16_t>(offset + lowest(bits));
      bits &= bits - 1;
    }
  }
  commas.count += count;
}

// The bits below the lowest that is set.
std::uint64_t below_lowest(std::uint64_t bits) { return (bits - 1) & ~bits; }

// Notes the commas up to the first byte that is neither a digit nor a comma nor a space after a
// comma. True if there is no such byte.
bool find_commas(const char* at, std::size_t size, Commas& commas) {
  commas.count = 0;
  commas.with_spaces = false;
  std::uint64_t comma_before = 1;
  for (std::size_t offset = 0; offset < size; offset += scan_block_size) {
    std::array<char, scan_block_size> padded;
    const char* block = at + offset;
    if (size - offset < scan_block_size) {
      padded.fill('\0');
      std::memcpy(padded.data(), block, size - offset);
      block = padded.data();
    }
    const ScanMasks masks = scan_masks(block);
    if (masks.others != masks.commas) {
      const auto spaces = scan_spaces(block) & ((masks.commas << 1) | comma_before);
      commas.with_spaces = commas.with_spaces || spaces != 0;
      if (const auto wrong = masks.others & ~(masks.commas | spaces)) {
        const auto good = masks.commas & below_lowest(wrong);
        note(commas, good, static_cast<std::size_t>(std::popcount(good)), offset);
        return false;
      }
    }
    note(commas, masks.commas, masks.comma_count, offset);
    comma_before = masks.commas >> 63;
  }
  return true;
}

/// Masks that keep the last bytes of a word, by how many. The last byte in memory is the highest.
constexpr std::array<std::uint64_t, 9> last_bytes = [] {
  std::array<std::uint64_t, 9> masks{};
  for (unsigned length = 1; length <= 8; ++length)
    masks[length] = ~std::uint64_t{0} << (64 - 8 * length);
  return masks;
}();

// The value of the `length` digits before `end`; the eight bytes before `end` are readable.
std::uint64_t number_before(const char* end, std::size_t length) {
  std::uint64_t bytes;
  std::memcpy(&bytes, end - 8, 8);
  return value_of_digits((bytes ^ 0x3030303030303030) & last_bytes[length]);
}

bool read_long(const char* at, const char* end, ObjectId& id) {
  const auto length = end - at;
  if (std::endian::native == std::endian::big || length > 16) {
    return scan_integer(at, end, id) == end;
  }
  const auto high = number_before(end - 8, static_cast<std::size_t>(length - 8));
  id = static_cast<ObjectId>(high * 100'000'000 + number_before(end, 8));
  return *at != '0';
}

// Reads the id between `at` and `end`; false if that is not an id.
bool read_id(const char* at, const char* end, ObjectId& id) {
  const auto length = static_cast<std::size_t>(end - at);
  if (length - 1 >= 8 || std::endian::native == std::endian::big) {
    return length != 0 && read_long(at, end, id);
  }
  id = static_cast<ObjectId>(number_before(end, length));
  return length == 1 || *at != '0';
}

/// Reads the ids in front of commas, one after the other.
template <bool with_spaces>
class IdReader {
 public:
  IdReader(const char* base, ObjectId* id) : base_(base), at_(base), id_(id) {}

  bool read(std::span<const std::uint16_t> commas) {
    std::size_t done = 0;
#if defined(POSTOFFICE_SSE2)
    for (; done + 4 <= commas.size(); done += 4) {
      if (!read_four(commas.data() + done)) return false;
    }
#endif
    for (; done < commas.size(); ++done) {
      const char* const end = base_ + commas[done];
      if (!read_id(start(at_), end, *id_++)) return false;
      at_ = end + 1;
    }
    return !began_with_zero();
  }

 private:
  static const char* start(const char* at) { return with_spaces && *at == ' ' ? at + 1 : at; }

#if defined(POSTOFFICE_SSE2)
  bool read_four(const std::uint16_t* commas) {
    const char* const ends[4] = {base_ + commas[0], base_ + commas[1], base_ + commas[2],
                                 base_ + commas[3]};
    const char* const starts[4] = {start(at_), start(ends[0] + 1), start(ends[1] + 1),
                                   start(ends[2] + 1)};
    at_ = ends[3] + 1;
    std::size_t lengths[4];
    for (int i = 0; i < 4; ++i) lengths[i] = static_cast<std::size_t>(ends[i] - starts[i]);
    if (((lengths[0] - 1) | (lengths[1] - 1) | (lengths[2] - 1) | (lengths[3] - 1)) < 8)
        [[likely]] {
      const __m128i numbers = join(fours(ends[0], lengths[0], ends[1], lengths[1]),
                                   fours(ends[2], lengths[2], ends[3], lengths[3]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(id_),
                       _mm_unpacklo_epi32(numbers, _mm_setzero_si128()));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(id_ + 2),
                       _mm_unpackhi_epi32(numbers, _mm_setzero_si128()));
    } else {
      for (int i = 0; i < 4; ++i) {
        if (!read_id(starts[i], ends[i], id_[i])) return false;
      }
    }
    id_ += 4;
    return true;
  }

  static __m128i load_two(const void* low, const void* high) {
    return _mm_castps_si128(
        _mm_loadh_pi(_mm_castsi128_ps(_mm_loadl_epi64(static_cast<const __m128i*>(low))),
                     static_cast<const __m64*>(high)));
  }

  // For each of two numbers of up to eight digits: the values of its first and last four digits.
  __m128i fours(const char* end, std::size_t length, const char* next_end,
                std::size_t next_length) {
    const __m128i kept = load_two(&last_bytes[length], &last_bytes[next_length]);
    const __m128i digits =
        _mm_and_si128(_mm_sub_epi8(load_two(end - 8, next_end - 8), _mm_set1_epi8('0')), kept);
    const __m128i first = _mm_andnot_si128(_mm_slli_epi64(kept, 8), kept);
    zeros_ =
        _mm_or_si128(zeros_, _mm_and_si128(_mm_cmpeq_epi8(digits, _mm_setzero_si128()), first));
    const __m128i tens =
        _mm_mullo_epi16(_mm_and_si128(digits, _mm_set1_epi16(0xff)), _mm_set1_epi16(10));
    const __m128i pairs = _mm_add_epi16(tens, _mm_srli_epi16(digits, 8));
    return _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));  // first pair times 100
  }

  static __m128i join(__m128i two, __m128i next_two) {
    return _mm_madd_epi16(_mm_packs_epi32(two, next_two), _mm_set1_epi32(0x00012710));
  }

  // Some number of more than one digit begins with a zero.
  bool began_with_zero() const { return (_mm_movemask_epi8(zeros_) & ~0x8080) != 0; }

  __m128i zeros_ = _mm_setzero_si128();
#else
  static bool began_with_zero() { return false; }
#endif

  const char* base_;
  const char* at_;
  ObjectId* id_;
};

}  // namespace

const char* scan_id_run(const char* at, const char* end, std::span<ObjectId> ids,
                        std::size_t& count) {
  Commas commas;
  count = 0;
  for (bool more = true; more && at != end && count < ids.size();) {
    more = find_commas(at, std::min(static_cast<std::size_t>(end - at), chunk_size), commas);
    const auto taken = std::min(commas.count, ids.size() - count);
    if (taken == 0) break;
    const std::span<const std::uint16_t> found(commas.at.data(), taken);
    const bool good = commas.with_spaces ? IdReader<true>(at, ids.data() + count).read(found)
                                         : IdReader<false>(at, ids.data() + count).read(found);
    if (!good) return nullptr;
    count += taken;
    at += commas.at[taken - 1] + 1;
  }
  return at;
}

ScanMasks scan_masks_portable(const char* block) {
  ScanMasks masks;
  for (std::size_t i = 0; i < scan_block_size; ++i) {
    const bool comma = block[i] == ',';
    masks.others |= std::uint64_t{block[i] < '0' || block[i] > '9'} << i;
    masks.commas |= std::uint64_t{comma} << i;
    masks.comma_count += comma ? 1 : 0;
  }
  return masks;
}

std::uint64_t scan_spaces_portable(const char* block) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < scan_block_size; ++i) mask |= std::uint64_t{block[i] == ' '} << i;
  return mask;
}

#if defined(POSTOFFICE_SSE2)

namespace {

__m128i quarter(const char* block, int number) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + number);
}

std::uint64_t bits_of(__m128i found, int quarter_number) {
  return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(found)))
         << (16 * quarter_number);
}

}  // namespace

ScanMasks scan_masks(const char* block) {
  ScanMasks masks;
  __m128i found = _mm_setzero_si128();
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = quarter(block, i);
    // '0' becomes -128, so that the digits are the lowest signed bytes.
    const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(80));
    masks.others |= bits_of(_mm_cmpgt_epi8(moved, _mm_set1_epi8(-128 + 9)), i);
    const __m128i commas = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(','));
    masks.commas |= bits_of(commas, i);
    found = _mm_sub_epi8(found, commas);
  }
  // The baseline of x86-64 has no instruction that counts bits.
  const __m128i sums = _mm_sad_epu8(found, _mm_setzero_si128());
  masks.comma_count = static_cast<std::size_t>(
      _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums))));
  return masks;
}

std::uint64_t scan_spaces(const char* block) {
  std::uint64_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    mask |= bits_of(_mm_cmpeq_epi8(quarter(block, i), _mm_set1_epi8(' ')), i);
  }
  return mask;
}

#else

ScanMasks scan_masks(const char* block) { return scan_masks_portable(block); }
std::uint64_t scan_spaces(const char* block) { return scan_spaces_portable(block); }

#endif

}  // namespace postoffice::http
