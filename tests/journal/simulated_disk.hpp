// A file system in memory that forgets, tears and refuses like a real one, reproducibly, and writes
// down everything that changes it. crash_states.hpp takes the log apart; cut_power() draws one of
// the states that the log allows.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "journal/disk_log.hpp"
#include "journal/file_system.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {

/// Any thread may use it.
class SimulatedDisk final : public FileSystem {
 public:
  using Kind = Operation::Kind;

  /// With a directory "q".
  explicit SimulatedDisk(std::uint64_t seed) : SimulatedDisk(Image{{".", "q"}, {}}) {
    chance_ = seed;
    random_number_.reset();
  }
  /// Files and names that an image brings along are on stable storage. Its random number is always
  /// the same.
  explicit SimulatedDisk(const Image& image) { insert(image); }

  // The faults. Set while the queue's threads are at work, too.
  /// Everything fails from the nth change on; 0: at once.
  void die_after(std::size_t changes) {
    const std::lock_guard lock(mutex_);
    dies_at_ = log_.size() + changes;
  }
  void stay_alive() {
    const std::lock_guard lock(mutex_);
    dies_at_ = never;
  }
  bool dead() const {
    const std::lock_guard lock(mutex_);
    return is_dead();
  }
  /// Of data; 1: the next one.
  void fail_sync(std::size_t nth) {
    const std::lock_guard lock(mutex_);
    failing_sync_ = syncs_ + nth;
  }
  /// What it should have saved may still be saved by a later one.
  void fail_directory_sync(std::size_t nth) {
    const std::lock_guard lock(mutex_);
    failing_directory_sync_ = directory_syncs_ + nth;
  }
  void fail_all_syncs(bool fail) { all_syncs_fail_ = fail; }
  void fail_reads(bool fail) { reads_fail_ = fail; }
  /// Of names, by remove() or rename().
  void fail_removals(bool fail) { removals_fail_ = fail; }
  /// No new blocks and no new names.
  void set_full(bool full) { full_ = full; }
  void set_short_writes(bool on) { short_writes_ = on; }
  /// What it says is free; it does not run out by itself.
  void set_space(Space space) {
    const std::lock_guard lock(mutex_);
    space_ = space;
  }
  void set_random_number(std::uint64_t number) { random_number_ = number; }

  /// Before the nth change from now on something else happens, in the middle of whatever it is.
  void meanwhile(std::size_t changes, std::function<void()> event) {
    event_at_ = log_.size() + changes;
    event_ = std::move(event);
  }
  /// While every sync is under way.
  void during_syncs(std::function<void()> event) { during_syncs_ = std::move(event); }

  /// Somebody else removes a file.
  void lose(const std::string& path) {
    const std::lock_guard lock(mutex_);
    drop_name(path);
  }
  /// Of a file. Who changes it does so behind everybody's back, for as long as the power stays.
  std::vector<std::byte>& content(const std::string& path) {
    return own(contents_.at(names_.at(path)));
  }

  /// The process dies, the kernel lives: everything written is still there, and no fault.
  void kill_process() {
    const std::lock_guard lock(mutex_);
    revive();
  }
  /// The power goes and comes back. Any of what was not synced is kept, dropped, zeroed or torn.
  void cut_power() {
    const std::lock_guard lock(mutex_);
    PowerCut cut(start_, log_, log_.size());
    for (const auto i : cut.unsynced()) cut.suffer(i, draw_fate(log_[i].kind == Kind::write));
    const auto image = cut.outcome();
    log_.clear();
    insert(image);
    revive();
  }

  // What tests look at.
  const std::vector<Operation>& log() const { return log_; }
  /// Marks the place in the log.
  void mark(std::size_t number) { note({.kind = Kind::mark, .mark = number}); }
  /// As the process sees it, and as it is if only the process dies. It shares its content.
  Image image() const {
    Image image{directories_, {}};
    for (const auto& [path, file] : names_) image.files[path] = contents_[file];
    return image;
  }
  int syncs_after_failure() const { return syncs_after_failure_; }
  int failed_syncs() const { return failed_syncs_; }

  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    const bool create = mode == Mode::create;
    const auto lock = begin(create);
    const auto found = names_.find(path);
    if (const auto error = find_error(path, create)) return error;
    if (!create) return std::make_unique<OpenFile>(*this, found->second);
    if (const auto error = change_error(true)) return error;
    contents_.push_back(std::make_shared<std::vector<std::byte>>());
    const auto file = names_[path] = contents_.size() - 1;
    note({.kind = Kind::create, .file = file, .path = path});
    return std::make_unique<OpenFile>(*this, file);
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (!locks_.insert(path).second) return Error::locked;
    return std::make_unique<HeldLock>(*this, path);
  }

  std::error_code rename(const std::string& from, const std::string& to) override {
    const auto lock = begin();
    if (const auto error = name_error(from)) return error;
    const auto file = names_.at(from);
    names_.erase(from);
    names_[to] = file;
    note({.kind = Kind::rename, .file = file, .path = to, .from = from});
    return {};
  }

  std::error_code remove(const std::string& path) override {
    const auto lock = begin();
    if (const auto error = name_error(path)) return error;
    drop_name(path);
    return {};
  }

  std::error_code sync_directory(const std::string& path) override {
    const auto lock = begin();
    if (const auto error = change_error()) return error;
    if (++directory_syncs_ == failing_directory_sync_) return io_error();
    const auto trimmed = path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
    note({.kind = Kind::sync_directory, .path = trimmed});
    return {};
  }

  std::error_code create_directory(const std::string& path) override {
    if (path == "." || directories_.contains(path)) return {};
    if (const auto error = create_directory(parent_of(path))) return error;
    const auto lock = begin();
    if (const auto error = change_error(true)) return error;
    directories_.insert(path);
    note({.kind = Kind::make_directory, .path = path});
    return {};
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    if (is_dead()) return io_error();
    for (const auto& [name, file] : names_) {
      if (parent_of(name) == path) names.push_back(name.substr(path.size() + 1));
    }
    return names;
  }

  Space space(const std::string&) override {
    const std::lock_guard lock(mutex_);
    return space_;
  }

  std::uint64_t random_number() override {
    const std::lock_guard lock(mutex_);
    return random_number_ ? *random_number_ : draw();
  }

 private:
  static constexpr std::size_t never = ~std::size_t{0};

  class HeldLock final : public DirectoryLock {
   public:
    HeldLock(SimulatedDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
    ~HeldLock() override {
      const std::lock_guard lock(disk_.mutex_);
      disk_.locks_.erase(path_);
    }

   private:
    SimulatedDisk& disk_;
    const std::string path_;
  };

  class OpenFile final : public File {
   public:
    OpenFile(SimulatedDisk& disk, std::size_t file) : disk_(disk), file_(file) {}

    std::size_t write_some(std::span<const std::byte> data, std::uint64_t offset,
                           std::error_code& error) override {
      const auto lock = disk_.begin();
      if (disk_.short_writes_ && data.size() > 1) {
        if (disk_.pick(4) == 0) return error = std::make_error_code(std::errc::interrupted), 0;
        data = data.first(1 + disk_.pick(data.size()));
      }
      const auto end = offset + data.size();
      const bool grows = end > content()->size();
      if ((error = disk_.change_error(grows))) return 0;
      auto& bytes = own(content());
      if (grows) bytes.resize(end);
      std::copy(data.begin(), data.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
      disk_.note({.kind = Kind::write,
                  .file = file_,
                  .offset = offset,
                  .data = {data.begin(), data.end()}});
      return data.size();
    }

    std::size_t read_some(std::span<std::byte> into, std::uint64_t offset,
                          std::error_code& error) override {
      const std::lock_guard lock(disk_.mutex_);
      const bool fails = disk_.is_dead() || disk_.reads_fail_;
      if ((error = fails ? io_error() : std::error_code{})) return 0;
      const auto& bytes = *content();
      if (offset >= bytes.size()) return 0;
      const auto count = std::min<std::size_t>(into.size(), bytes.size() - offset);
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
      return count;
    }

    std::error_code sync_data() override {
      if (disk_.during_syncs_) disk_.during_syncs_();
      const auto lock = disk_.begin();
      if (const auto error = disk_.change_error()) return error;
      if (failed_) ++disk_.syncs_after_failure_;
      const bool fails = ++disk_.syncs_ == disk_.failing_sync_ || disk_.all_syncs_fail_;
      disk_.note({.kind = fails ? Kind::failed_sync : Kind::sync_data, .file = file_});
      if (!fails) return {};
      ++disk_.failed_syncs_;
      failed_ = true;
      return io_error();
    }

    std::error_code allocate(std::uint64_t size) override {
      const auto lock = disk_.begin();
      if (const auto error = disk_.change_error(true)) return error;
      if (size <= content()->size()) return {};
      own(content()).resize(size);
      disk_.note({.kind = Kind::allocate, .file = file_, .size = size});
      return {};
    }

    std::uint64_t size() const override {
      const std::lock_guard lock(disk_.mutex_);
      return content()->size();
    }

    bool is_at(const std::string& path) const override {
      const std::lock_guard lock(disk_.mutex_);
      const auto found = disk_.names_.find(path);
      return found != disk_.names_.end() && found->second == file_;
    }

   private:
    Content& content() const { return disk_.contents_.at(file_); }

    SimulatedDisk& disk_;
    const std::size_t file_;
    bool failed_ = false;
  };

  static std::error_code io_error() { return std::make_error_code(std::errc::io_error); }

  /// For whatever changes the disk: lets happen first what is to happen meanwhile.
  std::unique_lock<std::mutex> begin(bool changes = true) {
    std::unique_lock lock(mutex_);
    if (!changes || !event_ || log_.size() < event_at_) return lock;
    const auto event = std::exchange(event_, nullptr);
    lock.unlock();
    event();
    lock.lock();
    return lock;
  }

  bool is_dead() const { return log_.size() >= dies_at_; }

  std::error_code change_error(bool needs_room = false) const {
    if (is_dead()) return io_error();
    if (needs_room && full_) return std::make_error_code(std::errc::no_space_on_device);
    return {};
  }

  std::error_code find_error(const std::string& path, bool create) const {
    if (is_dead()) return io_error();
    const bool found = names_.contains(path);
    if (create && found) return std::make_error_code(std::errc::file_exists);
    if (found || (create && directories_.contains(parent_of(path)))) return {};
    return std::make_error_code(std::errc::no_such_file_or_directory);
  }

  std::error_code name_error(const std::string& path) const {
    if (const auto error = find_error(path, false)) return error;
    return removals_fail_ ? std::make_error_code(std::errc::operation_not_permitted)
                          : std::error_code{};
  }

  void drop_name(const std::string& path) {
    const auto file = names_.at(path);
    names_.erase(path);
    note({.kind = Kind::remove, .file = file, .path = path});
  }

  void note(Operation operation) { log_.push_back(std::move(operation)); }

  /// All that is there, and saved.
  void insert(const Image& image) {
    start_ = image;
    directories_ = image.directories;
    names_.clear();
    contents_.clear();
    for (const auto& [path, content] : image.files) {
      names_[path] = contents_.size();
      contents_.push_back(content);
    }
  }

  void revive() {
    dies_at_ = never;
    failing_sync_ = 0;
    all_syncs_fail_ = reads_fail_ = full_ = false;
  }

  std::uint64_t draw() { return mix64(chance_ += 0x9e3779b97f4a7c15); }
  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(draw() % below); }

  Fate draw_fate(bool is_write) {
    if (!is_write) return pick(2) == 0 ? Fate{} : Fate::dropped();
    switch (pick(4)) {
      case 0: return {};
      case 1: return Fate::dropped();
      case 2: return Fate::all_zeroed();
      default: return {draw(), draw(), draw()};
    }
  }

  mutable std::mutex mutex_;
  Image start_;  // what the log begins with
  std::vector<Operation> log_;
  std::set<std::string> directories_;
  std::map<std::string, std::size_t> names_;
  std::vector<Content> contents_;
  std::set<std::string> locks_;
  std::uint64_t chance_ = 0;
  std::optional<std::uint64_t> random_number_ = 0x9e3779b97f4a7c15;
  std::size_t dies_at_ = never;
  std::size_t event_at_ = 0;
  std::function<void()> event_;
  std::function<void()> during_syncs_;
  std::size_t syncs_ = 0;
  std::size_t failing_sync_ = 0;
  std::size_t directory_syncs_ = 0;
  std::size_t failing_directory_sync_ = 0;
  Space space_{~0ull, ~0ull};
  std::atomic<bool> all_syncs_fail_ = false;
  std::atomic<bool> reads_fail_ = false;
  std::atomic<bool> removals_fail_ = false;
  std::atomic<bool> full_ = false;
  std::atomic<bool> short_writes_ = false;
  std::atomic<int> failed_syncs_ = 0;
  std::atomic<int> syncs_after_failure_ = 0;
};

}  // namespace postoffice::journal
