#include "journal/segment_pool.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

#include "journal/format.hpp"

namespace postoffice::journal {
namespace {

constexpr char unfinished_spare_name[] = "spare.tmp";
constexpr char unplanned_name[] = "segment.tmp";
/// How much of a callback's time the making of a file may take.
constexpr auto quick = std::chrono::milliseconds(200);
constexpr std::uint64_t zeros_per_write = 256 << 10;
constexpr std::uint64_t zeros_per_sync = 4 << 20;

/// The header's block is zero exactly in files that never were segments.
bool is_fresh(File& file) {
  std::vector<std::byte> block(block_size);
  std::error_code error;
  return read_all(file, block, 0, error) == block_size &&
         std::all_of(block.begin(), block.end(),
                     [](std::byte byte) { return byte == std::byte{}; });
}

}  // namespace

SegmentPool::SegmentPool(const Storage& storage, std::uint64_t segment_bytes, Limits limits,
                         bool spare_ready, std::size_t files, Now now)
    : storage_(storage),
      segment_bytes_(segment_bytes),
      limits_(limits),
      spare_(spare_ready ? Spare::ready : Spare::none),
      files_(files),
      now_(std::move(now)) {}

Result<SegmentPool::Claim> SegmentPool::claim_file() {
  if (!claim_spare()) return make_on_the_spot();
  auto file = storage_.open(spare_name, FileSystem::Mode::write);
  if (file) {
    const bool fresh = is_fresh(**file);
    return Claim{*std::move(file), spare_name, fresh};
  }
  if (file.error().code == std::errc::no_such_file_or_directory) {  // somebody has removed it
    set_spare(Spare::none);
    return make_on_the_spot();
  }
  (void)storage_.remove(spare_name);
  return std::move(file).error();
}

bool SegmentPool::claim_spare() {
  const LockGuard lock(mutex_);
  if (spare_ != Spare::ready) return false;
  spare_ = Spare::claimed;
  return true;
}

Result<SegmentPool::Claim> SegmentPool::make_on_the_spot() {
  if (!may_grow()) return std::make_error_code(std::errc::no_space_on_device);
  {
    const LockGuard lock(mutex_);
    assert(unplanned_ == 0);
    unplanned_ = 1;
  }
  (void)storage_.remove(unplanned_name);
  auto file = storage_.open(unplanned_name, FileSystem::Mode::create);
  const auto error = file ? (*file)->allocate(segment_bytes_) : file.error().code;
  if (!error) return Claim{*std::move(file), unplanned_name, true};
  (void)storage_.remove(unplanned_name);
  return error;
}

void SegmentPool::settle_claim(bool became_segment) {
  const LockGuard lock(mutex_);
  if (spare_ == Spare::claimed) spare_ = Spare::none;
  unplanned_ = 0;
  if (became_segment) ++files_;
}

bool SegmentPool::can_give() const {
  const LockGuard lock(mutex_);
  return spare_ == Spare::ready || quick_;
}

bool SegmentPool::wants_spare() const {
  {
    const LockGuard lock(mutex_);
    if (spare_ != Spare::none) return false;
  }
  return may_grow();
}

std::size_t SegmentPool::held() const {
  return files_ + unplanned_ + (spare_ == Spare::none ? 0 : 1);
}

/// Asks the disk, which may take long, so without the lock.
bool SegmentPool::may_grow() const {
  const auto free = storage_.file_system.space(storage_.directory).free;
  const LockGuard lock(mutex_);
  return may_grow(free);
}

bool SegmentPool::may_grow(std::uint64_t free) const {
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
  if (ready) note_reserve(reserve_of(spare_name));
  set_spare(ready ? Spare::ready : Spare::none);
  return error;
}

/// Synced piece by piece, so that concurrent flushes never wait for all of it.
std::error_code SegmentPool::write_zeros(const std::atomic<bool>& stopping) {
  (void)storage_.remove(unfinished_spare_name);
  const auto opened = storage_.open(unfinished_spare_name, FileSystem::Mode::create);
  if (!opened) return opened.error().code;
  const auto& file = *opened;
  const auto begun = now_();
  auto error = file->allocate(segment_bytes_);
  {
    const LockGuard lock(mutex_);
    quick_ = !error && now_() - begun <= quick;
  }
  if (error) return error;
  // Writing zeros would use up room that is good for one write only.
  if (file->reserve(0) == Reserve::first_write) return file->sync_data();
  const std::vector<std::byte> zeros(std::min(zeros_per_write, segment_bytes_));
  for (std::uint64_t at = 0; at < segment_bytes_ && !stopping; at += zeros.size()) {
    const auto count = std::min<std::uint64_t>(zeros.size(), segment_bytes_ - at);
    if ((error = write_all(*file, std::span(zeros).first(count), at))) return error;
    if ((at + count) % zeros_per_sync == 0 && (error = file->sync_data())) return error;
  }
  return file->sync_data();
}

std::error_code SegmentPool::release(const std::string& name, std::uint64_t size) {
  const bool wanted = size == segment_bytes_ && !has_spare();
  const auto reserve = wanted ? reserve_of(name) : Reserve::none;
  const bool worth_it = reserve == Reserve::kept || reserve == Reserve::unknown;
  bool recycle = false;
  {
    const LockGuard lock(mutex_);
    // A released file already has its space, so a full disk is not a reason to give it up.
    recycle = worth_it && spare_ == Spare::none && within_limit(files_ > 0 ? 0 : 1);
    if (recycle) spare_ = Spare::being_made;
  }
  auto error = recycle ? storage_.rename(name, spare_name) : storage_.remove(name);
  const bool gone = !error || error == std::errc::no_such_file_or_directory;
  if (!error && recycle) error = storage_.sync();
  if (recycle && !error) note_reserve(reserve);
  const LockGuard lock(mutex_);
  if (recycle) {
    assert(spare_ == Spare::being_made);
    spare_ = error ? Spare::none : Spare::ready;
  }
  if (gone) {
    assert(files_ > 0);
    --files_;
  }
  return gone ? std::error_code{} : error;
}

bool SegmentPool::has_spare() const {
  const LockGuard lock(mutex_);
  return spare_ == Spare::ready;
}

void SegmentPool::forget_spare() {
  const LockGuard lock(mutex_);
  if (spare_ == Spare::ready) spare_ = Spare::none;
}

bool SegmentPool::drop_shared_spare() {
  std::optional<Reserve> best;
  {
    const LockGuard lock(mutex_);
    if (spare_ != Spare::ready) return false;
    spare_ = Spare::being_made;
    best = best_reserve_;
  }
  const auto found = reserve_of(spare_name);
  // If no spare was better, this one will not become better. The first spare may be from an earlier
  // version.
  const bool drop = found == Reserve::none && best != Reserve::none && may_grow();
  note_reserve(found);
  if (drop) (void)storage_.remove(spare_name);
  set_spare(drop ? Spare::none : Spare::ready);
  return drop;
}

std::optional<Reserve> SegmentPool::reserve() const {
  const LockGuard lock(mutex_);
  return reserve_;
}

/// The lower the better.
void SegmentPool::note_reserve(Reserve found) {
  const LockGuard lock(mutex_);
  reserve_ = found;
  best_reserve_ = best_reserve_ ? std::min(*best_reserve_, found) : found;
}

Reserve SegmentPool::reserve_of(const std::string& name) const {
  const auto file = storage_.open(name, FileSystem::Mode::read);
  return file ? (*file)->reserve(0) : Reserve::unknown;
}

void SegmentPool::look_at_disk() {
  const auto found = storage_.file_system.space(storage_.directory);
  const LockGuard lock(mutex_);
  disk_ = found;
}

FileQueue::Space SegmentPool::space() const {
  constexpr auto unknown = FileQueue::Space::unknown;
  const LockGuard lock(mutex_);
  FileQueue::Space space;
  space.disk_free = disk_.free;
  space.disk_size = disk_.size;
  space.left_to_others = limits_.free_bytes_min;
  space.held = held() * segment_bytes_;
  if (disk_.free != unknown) {
    const auto free = disk_.free - std::min(disk_.free, limits_.free_bytes_min);
    space.limit = space.held + free / segment_bytes_ * segment_bytes_;
  }
  if (limits_.bytes_max != 0) {
    space.limit = std::min(space.limit, limits_.bytes_max / segment_bytes_ * segment_bytes_);
  }
  space.growth_stopped = !may_grow(disk_.free);
  space.spare_taken = space.growth_stopped && spare_ == Spare::none;
  return space;
}

std::uint64_t SegmentPool::bytes() const {
  const LockGuard lock(mutex_);
  // A spare counts once it is ready; until then it may still fail to become one.
  return (held() - (spare_ == Spare::being_made ? 1 : 0)) * segment_bytes_;
}

void SegmentPool::set_spare(Spare spare) {
  const LockGuard lock(mutex_);
  spare_ = spare;
}

}  // namespace postoffice::journal
