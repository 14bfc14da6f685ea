// A file system in memory that forgets, tears and refuses like a real one, reproducibly.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>

#include "journal/file_system.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {

class SimulatedDisk final : public FileSystem {
 public:
  explicit SimulatedDisk(std::uint64_t seed) : random_(seed) {}

  // The faults. Set while the queue's threads are at work, too.
  void die_after(std::uint64_t operations) {
    const std::lock_guard lock(mutex_);
    dies_at_ = operations_ + operations;
  }
  void stay_alive() {
    const std::lock_guard lock(mutex_);
    dies_at_ = ~0ull;
  }
  bool dead() const {
    const std::lock_guard lock(mutex_);
    return is_dead();
  }
  void fail_sync(std::uint64_t nth) {
    const std::lock_guard lock(mutex_);
    failing_sync_ = syncs_ + nth;
  }
  void fail_all_syncs(bool fail) {
    const std::lock_guard lock(mutex_);
    all_syncs_fail_ = fail;
  }
  void fail_reads(bool fail) {
    const std::lock_guard lock(mutex_);
    reads_fail_ = fail;
  }
  /// What it says is free; it does not run out by itself.
  void set_space(Space space) {
    const std::lock_guard lock(mutex_);
    space_ = space;
  }
  void set_full(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  /// Of names, by remove() or rename().
  void fail_removals(bool fail) {
    const std::lock_guard lock(mutex_);
    removals_fail_ = fail;
  }
  /// Somebody else removes a file.
  void lose(const std::string& path) {
    const std::lock_guard lock(mutex_);
    change({"", path, nullptr});
  }
  /// While every sync is under way.
  void during_syncs(std::function<void()> event) { during_syncs_ = std::move(event); }
  void set_short_writes(bool on) {
    const std::lock_guard lock(mutex_);
    short_writes_ = on;
  }

  // What tests look at.
  int syncs_after_failure() const {
    const std::lock_guard lock(mutex_);
    return syncs_after_failure_;
  }
  int failed_syncs() const {
    const std::lock_guard lock(mutex_);
    return failed_syncs_;
  }
  std::vector<std::string> history() const {
    const std::lock_guard lock(mutex_);
    return history_;
  }
  /// Of a file that nothing has open.
  std::vector<std::byte>& content(const std::string& path) { return names_.at(path)->content; }

  /// The power goes and comes back: of what was not synced each write is kept, dropped, zeroed or
  /// torn; of the changes of names the first few are kept.
  void cut_power() {
    const std::lock_guard lock(mutex_);
    const auto kept = pick(changes_.size() + 1);
    names_ = durable_names_;
    for (std::size_t i = 0; i < kept; ++i) apply(names_, changes_[i]);
    for (auto& [name, inode] : names_) {
      inode = std::make_shared<Inode>(*inode);
      lose_some(*inode);
    }
    durable_names_ = names_;
    revive();
  }

  /// The process dies, the kernel lives: everything written is still there.
  void kill_process() {
    const std::lock_guard lock(mutex_);
    revive();
  }

  std::unique_ptr<File> open(const std::string& path, Mode mode, std::error_code& error) override {
    const std::lock_guard lock(mutex_);
    if ((error = operate())) return nullptr;
    const auto found = names_.find(path);
    const bool create = mode == Mode::create;
    if (create == (found != names_.end())) {
      error = std::make_error_code(create ? std::errc::file_exists
                                          : std::errc::no_such_file_or_directory);
      return nullptr;
    }
    if (!create) return std::make_unique<OpenFile>(*this, found->second, path);
    if (full_) return error = no_space(), nullptr;
    const auto inode = std::make_shared<Inode>();
    change({path, "", inode});
    return std::make_unique<OpenFile>(*this, inode, path);
  }

  std::unique_ptr<DirectoryLock> lock(const std::string& path, std::error_code& error) override {
    const std::lock_guard lock(mutex_);
    error = locks_.insert(path).second ? std::error_code{} : make_error_code(Error::locked);
    if (error) return nullptr;
    return std::make_unique<HeldLock>(*this, path);
  }

  std::error_code rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (const auto error = operate()) return error;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::make_error_code(std::errc::no_such_file_or_directory);
    if (removals_fail_) return std::make_error_code(std::errc::operation_not_permitted);
    history_.push_back("rename " + base(from) + " " + base(to));
    change({to, from, found->second});
    return {};
  }

  std::error_code remove(const std::string& path) override {
    const std::lock_guard lock(mutex_);
    if (const auto error = operate()) return error;
    if (!names_.contains(path)) return std::make_error_code(std::errc::no_such_file_or_directory);
    if (removals_fail_) return std::make_error_code(std::errc::operation_not_permitted);
    history_.push_back("remove " + base(path));
    change({"", path, nullptr});
    return {};
  }

  std::error_code sync_directory(const std::string&) override {
    const std::lock_guard lock(mutex_);
    if (const auto error = operate()) return error;
    history_.push_back("sync directory");
    durable_names_ = names_;
    changes_.clear();
    return {};
  }

  std::error_code create_directory(const std::string&) override { return {}; }

  std::vector<std::string> list(const std::string& path, std::error_code& error) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    if ((error = operate())) return names;
    for (const auto& [name, inode] : names_) {
      if (name.starts_with(path + "/") && name.find('/', path.size() + 1) == std::string::npos) {
        names.push_back(base(name));
      }
    }
    return names;
  }

  Space space(const std::string&) override {
    const std::lock_guard lock(mutex_);
    return space_;
  }

  std::uint64_t random_number() override {
    const std::lock_guard lock(mutex_);
    return random_();
  }

 private:
  static constexpr std::size_t sector = 512;

  struct Write {
    std::uint64_t offset;
    std::vector<std::byte> before;
    std::vector<std::byte> after;
  };
  struct Inode {
    std::vector<std::byte> content;
    std::vector<Write> unsynced;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct Change {
    std::string to;
    std::string from;
    std::shared_ptr<Inode> inode;
  };

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
    OpenFile(SimulatedDisk& disk, std::shared_ptr<Inode> inode, std::string path)
        : disk_(disk), inode_(std::move(inode)), path_(std::move(path)) {}

    std::size_t write_some(std::span<const std::byte> data, std::uint64_t offset,
                           std::error_code& error) override {
      const std::lock_guard lock(disk_.mutex_);
      if ((error = disk_.operate())) return 0;
      if (disk_.short_writes_ && data.size() > 1) {
        if (disk_.pick(4) == 0) return error = std::make_error_code(std::errc::interrupted), 0;
        data = data.first(1 + disk_.pick(data.size()));
      }
      auto& content = inode_->content;
      if (offset + data.size() > content.size()) {
        if (disk_.full_) return error = no_space(), 0;
        content.resize(offset + data.size());
      }
      const auto at = content.begin() + static_cast<std::ptrdiff_t>(offset);
      inode_->unsynced.push_back({offset,
                                  {at, at + static_cast<std::ptrdiff_t>(data.size())},
                                  {data.begin(), data.end()}});
      std::copy(data.begin(), data.end(), at);
      return data.size();
    }

    std::size_t read_some(std::span<std::byte> into, std::uint64_t offset,
                          std::error_code& error) override {
      const std::lock_guard lock(disk_.mutex_);
      if ((error = disk_.operate())) return 0;
      if (disk_.reads_fail_) return error = std::make_error_code(std::errc::io_error), 0;
      const auto& content = inode_->content;
      if (offset >= content.size()) return 0;
      const auto count = std::min<std::size_t>(into.size(), content.size() - offset);
      std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
      return count;
    }

    std::error_code sync_data() override {
      if (disk_.during_syncs_) disk_.during_syncs_();
      const std::lock_guard lock(disk_.mutex_);
      if (const auto error = disk_.operate()) return error;
      if (failed_) ++disk_.syncs_after_failure_;
      if (++disk_.syncs_ == disk_.failing_sync_ || disk_.all_syncs_fail_) {
        // The pages count as clean from here on, although the disk lacks them. Half of them made
        // it, and what did not is lost with the power.
        ++disk_.failed_syncs_;
        failed_ = true;
        return std::make_error_code(std::errc::io_error);
      }
      disk_.history_.push_back("sync " + base(path_));
      if (!failed_) inode_->unsynced.clear();
      return {};
    }

    std::error_code allocate(std::uint64_t size) override {
      const std::lock_guard lock(disk_.mutex_);
      if (const auto error = disk_.operate()) return error;
      if (disk_.full_) return no_space();
      inode_->content.resize(size);
      return {};
    }

    std::uint64_t size() const override {
      const std::lock_guard lock(disk_.mutex_);
      return inode_->content.size();
    }

    bool is_at(const std::string& path) const override {
      const std::lock_guard lock(disk_.mutex_);
      const auto found = disk_.names_.find(path);
      return found != disk_.names_.end() && found->second == inode_;
    }

   private:
    SimulatedDisk& disk_;
    const std::shared_ptr<Inode> inode_;
    const std::string path_;
    bool failed_ = false;
  };

  static std::error_code no_space() { return std::make_error_code(std::errc::no_space_on_device); }
  static std::string base(const std::string& path) {
    return path.substr(path.find_last_of('/') + 1);
  }

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

  bool is_dead() const { return operations_ >= dies_at_; }

  /// Counts, and fails everything once the disk is dead.
  std::error_code operate() {
    ++operations_;
    return is_dead() ? std::make_error_code(std::errc::io_error) : std::error_code{};
  }

  void revive() {
    dies_at_ = ~0ull;
    failing_sync_ = 0;
    all_syncs_fail_ = reads_fail_ = full_ = false;
    changes_.clear();
    durable_names_ = names_;
  }

  static void apply(Names& names, const Change& change) {
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.inode;
  }

  void change(const Change& change) {
    changes_.push_back(change);
    apply(names_, change);
  }

  /// Undoes what was not synced, from the newest write back, then does some of it again.
  void lose_some(Inode& inode) {
    auto& content = inode.content;
    for (auto write = inode.unsynced.rbegin(); write != inode.unsynced.rend(); ++write) {
      std::copy(write->before.begin(), write->before.end(),
                content.begin() + static_cast<std::ptrdiff_t>(write->offset));
    }
    for (const auto& write : inode.unsynced) {
      const auto fate = pick(4);
      for (std::size_t at = 0; at < write.after.size();) {
        const auto place = write.offset + at;
        const auto count = std::min<std::size_t>(sector - place % sector, write.after.size() - at);
        const auto piece = fate < 3 ? fate : pick(4);
        for (std::size_t i = 0; i < count; ++i) {
          if (piece == 0) content[place + i] = write.after[at + i];
          if (piece == 2) content[place + i] = std::byte{0};
          if (piece == 3) content[place + i] = static_cast<std::byte>(random_());
        }
        at += count;
      }
    }
    inode.unsynced.clear();
  }

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  Names names_;
  Names durable_names_;
  std::vector<Change> changes_;
  std::set<std::string> locks_;
  std::vector<std::string> history_;
  std::uint64_t operations_ = 0;
  std::uint64_t dies_at_ = ~0ull;
  std::uint64_t syncs_ = 0;
  std::uint64_t failing_sync_ = 0;
  Space space_{~0ull, ~0ull};
  bool all_syncs_fail_ = false;
  bool reads_fail_ = false;
  bool full_ = false;
  bool short_writes_ = false;
  bool removals_fail_ = false;
  std::function<void()> during_syncs_;
  int failed_syncs_ = 0;
  int syncs_after_failure_ = 0;
};

}  // namespace postoffice::journal
