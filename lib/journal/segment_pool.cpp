#include "journal/segment_pool.hpp"

#include <algorithm>
#include <vector>

#include "journal/format.hpp"

namespace postoffice::journal {
namespace {

constexpr char unfinished_spare_name[] = "spare.tmp";
constexpr char unplanned_name[] = "segment.tmp";
constexpr std::uint64_t zeros_per_write = 256 << 10;
constexpr std::uint64_t zeros_per_sync = 4 << 20;

/// The header's block is zero in a file that never was a segment, and in no other.
bool is_fresh(File& file) {
  std::vector<std::byte> block(block_size);
  std::error_code error;
  return read_all(file, block, 0, error) == block_size &&
         std::all_of(block.begin(), block.end(),
                     [](std::byte byte) { return byte == std::byte{}; });
}

}  // namespace

SegmentPool::SegmentPool(const Storage& storage, std::uint64_t segment_bytes, Limits limits,
                         bool spare_ready, std::size_t files)
    : storage_(storage),
      segment_bytes_(segment_bytes),
      limits_(limits),
      spare_(spare_ready ? Spare::ready : Spare::none),
      files_(files) {}

SegmentPool::Taken SegmentPool::take(std::error_code& error) {
  Taken taken;
  {
    const std::lock_guard lock(mutex_);
    if (spare_ == Spare::ready) {
      spare_ = Spare::taken;
      taken.name = spare_name;
    } else if (!may_grow()) {
      error = std::make_error_code(std::errc::no_space_on_device);
      return taken;
    } else {
      unplanned_ = 1;
    }
  }
  if (taken.name.empty()) {
    error = make_on_the_spot(taken);
    return taken;
  }
  taken.file = storage_.open(taken.name, FileSystem::Mode::write, error);
  if (taken.file) taken.fresh = is_fresh(*taken.file);
  return taken;
}

std::error_code SegmentPool::make_on_the_spot(Taken& taken) {
  (void)storage_.remove(unplanned_name);
  std::error_code error;
  taken.name = unplanned_name;
  taken.fresh = true;
  taken.file = storage_.open(taken.name, FileSystem::Mode::create, error);
  return taken.file ? taken.file->allocate(segment_bytes_) : error;
}

void SegmentPool::settle_taken(bool became_segment) {
  const std::lock_guard lock(mutex_);
  if (spare_ == Spare::taken) spare_ = Spare::none;
  unplanned_ = 0;
  if (became_segment) ++files_;
}

bool SegmentPool::wants_spare() const {
  const std::lock_guard lock(mutex_);
  return spare_ == Spare::none && may_grow();
}

std::size_t SegmentPool::held() const {
  return files_ + unplanned_ + (spare_ == Spare::none ? 0 : 1);
}

bool SegmentPool::may_grow() const {
  const auto free = storage_.file_system.space(storage_.directory).free;
  return within_limit(1) && free >= segment_bytes_ &&
         free - segment_bytes_ >= limits_.free_bytes_min;
}

bool SegmentPool::within_limit(std::size_t more) const {
  return limits_.bytes_max == 0 || (held() + more) * segment_bytes_ <= limits_.bytes_max;
}

std::error_code SegmentPool::make_spare(const std::atomic<bool>& stopping) {
  set_spare(Spare::being_made);
  auto error = write_zeros(stopping);
  if (!error && !stopping) error = storage_.rename(unfinished_spare_name, spare_name);
  if (!error && !stopping) error = storage_.sync();
  const bool ready = !error && !stopping;
  if (!ready) (void)storage_.remove(unfinished_spare_name);
  set_spare(ready ? Spare::ready : Spare::none);
  return error;
}

/// Synced piece by piece, so that the flushes beside it never wait behind all of it.
std::error_code SegmentPool::write_zeros(const std::atomic<bool>& stopping) {
  (void)storage_.remove(unfinished_spare_name);
  std::error_code error;
  const auto file = storage_.open(unfinished_spare_name, FileSystem::Mode::create, error);
  if (!file) return error;
  if ((error = file->allocate(segment_bytes_))) return error;
  const std::vector<std::byte> zeros(std::min(zeros_per_write, segment_bytes_));
  for (std::uint64_t at = 0; at < segment_bytes_ && !stopping; at += zeros.size()) {
    const auto count = std::min<std::uint64_t>(zeros.size(), segment_bytes_ - at);
    if ((error = write_all(*file, std::span(zeros).first(count), at))) return error;
    if ((at + count) % zeros_per_sync == 0 && (error = file->sync_data())) return error;
  }
  return file->sync_data();
}

std::error_code SegmentPool::release(const std::string& name, std::uint64_t size) {
  bool recycle = false;
  {
    const std::lock_guard lock(mutex_);
    if (files_ > 0) --files_;
    // A released file is space already taken, so a full disk is no reason to give it back.
    recycle = spare_ == Spare::none && size == segment_bytes_ && within_limit(1);
    if (recycle) spare_ = Spare::being_made;
  }
  if (!recycle) return storage_.remove(name);
  auto error = storage_.rename(name, spare_name);
  if (!error) error = storage_.sync();
  set_spare(error ? Spare::none : Spare::ready);
  return error;
}

std::uint64_t SegmentPool::bytes() const {
  const std::lock_guard lock(mutex_);
  // A spare counts once it is ready; until then it may still fail to become one.
  return (held() - (spare_ == Spare::being_made ? 1 : 0)) * segment_bytes_;
}

void SegmentPool::set_spare(Spare spare) {
  const std::lock_guard lock(mutex_);
  spare_ = spare;
}

}  // namespace postoffice::journal
