// A file system in memory that writes down everything that changes it, for crash_states.hpp to
// take apart.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "journal/file_system.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {

using Content = std::shared_ptr<const std::vector<std::byte>>;

/// What is on a disk while nobody uses it.
struct Image {
  std::set<std::string> directories;
  std::map<std::string, Content> files;
};

/// One thing that happened to a disk, or that somebody was told meanwhile.
struct Operation {
  enum class Kind {
    make_directory,
    create,
    rename,
    remove,
    write,
    allocate,
    sync_data,
    failed_sync,  // what it should have saved counts as clean: no later sync saves it
    sync_directory,
    mark
  };
  Kind kind{};
  std::size_t file = 0;  ///< one number for each file ever made, whatever its name is now
  std::string path{};    ///< of a rename: the new one
  std::string from{};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::vector<std::byte> data{};
  std::size_t mark = 0;
};

inline std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

/// Single-threaded. Files and names that an image brings along are on stable storage.
class RecordingDisk final : public FileSystem {
 public:
  using Kind = Operation::Kind;

  explicit RecordingDisk(const Image& image) : directories_(image.directories) {
    for (const auto& [path, content] : image.files) names_[path] = add_file(content);
  }

  const std::vector<Operation>& log() const { return log_; }
  /// Marks the place in the log.
  void mark(std::size_t number) { note({.kind = Kind::mark, .mark = number}); }

  // The faults.
  /// Everything fails from the nth change on.
  void die_after(std::size_t changes) { dies_at_ = log_.size() + changes; }
  void revive() { dies_at_ = ~std::size_t{0}; }
  bool dead() const { return log_.size() >= dies_at_; }
  /// Of data; 1: the next one.
  void fail_sync(std::size_t nth) { failing_sync_ = syncs_ + nth; }
  /// What it should have saved may still be saved by a later one.
  void fail_directory_sync(std::size_t nth) { failing_directory_sync_ = directory_syncs_ + nth; }
  /// No new blocks and no new names.
  void set_full(bool full) { full_ = full; }
  /// Before the nth change from now on something else happens, in the middle of whatever it is.
  void meanwhile(std::size_t changes, std::function<void()> event) {
    event_at_ = log_.size() + changes;
    event_ = std::move(event);
  }

  void set_random_number(std::uint64_t number) { random_number_ = number; }

  /// Behind everybody's back.
  void flip_byte(const std::string& path, std::size_t at) {
    auto changed = *contents_[names_.at(path)];
    changed.at(at) ^= std::byte{0x10};
    contents_[names_.at(path)] = std::make_shared<std::vector<std::byte>>(std::move(changed));
  }

  /// As the process sees it, and as it is if only the process dies.
  Image image() const {
    Image image{directories_, {}};
    for (const auto& [path, file] : names_) image.files[path] = contents_[file];
    return image;
  }

  std::unique_ptr<File> open(const std::string& path, Mode mode, std::error_code& error) override {
    error = {};
    const auto found = names_.find(path);
    const bool create = mode == Mode::create;
    if (create == (found != names_.end()) || !directories_.contains(parent_of(path))) {
      error = std::make_error_code(create && found != names_.end()
                                       ? std::errc::file_exists
                                       : std::errc::no_such_file_or_directory);
      return nullptr;
    }
    if (!create) return handle_of(found->second);
    if ((error = begin_change(true))) return nullptr;
    const auto file = add_file(std::make_shared<std::vector<std::byte>>());
    names_[path] = file;
    note({.kind = Kind::create, .file = file, .path = path});
    return handle_of(file);
  }

  std::unique_ptr<DirectoryLock> lock(const std::string& path, std::error_code& error) override {
    error = locks_.insert(path).second ? std::error_code{} : make_error_code(Error::locked);
    return error ? nullptr : held_lock(path);
  }

  std::error_code rename(const std::string& from, const std::string& to) override {
    if (const auto error = begin_change()) return error;
    const auto found = names_.find(from);
    if (found == names_.end()) return std::make_error_code(std::errc::no_such_file_or_directory);
    const auto file = found->second;
    names_.erase(found);
    names_[to] = file;
    note({.kind = Kind::rename, .file = file, .path = to, .from = from});
    return {};
  }

  std::error_code remove(const std::string& path) override {
    const auto found = names_.find(path);
    if (found == names_.end()) return std::make_error_code(std::errc::no_such_file_or_directory);
    if (const auto error = begin_change()) return error;
    const auto file = names_.at(path);
    names_.erase(path);
    note({.kind = Kind::remove, .file = file, .path = path});
    return {};
  }

  std::error_code sync_directory(const std::string& path) override {
    if (const auto error = begin_change()) return error;
    if (++directory_syncs_ == failing_directory_sync_) {
      return std::make_error_code(std::errc::io_error);
    }
    const auto trimmed = path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
    note({.kind = Kind::sync_directory, .path = trimmed});
    return {};
  }

  std::error_code create_directory(const std::string& path) override {
    if (path == "." || directories_.contains(path)) return {};
    if (const auto error = create_directory(parent_of(path))) return error;
    if (const auto error = begin_change(true)) return error;
    directories_.insert(path);
    note({.kind = Kind::make_directory, .path = path});
    return {};
  }

  std::vector<std::string> list(const std::string& path, std::error_code& error) override {
    error = {};
    std::vector<std::string> names;
    for (const auto& [name, file] : names_) {
      if (parent_of(name) == path) names.push_back(name.substr(path.size() + 1));
    }
    return names;
  }

  Space space(const std::string&) override { return {~0ull, ~0ull}; }

  std::uint64_t random_number() override { return random_number_; }

 private:
  class HeldLock;
  class OpenFile;

  std::unique_ptr<File> handle_of(std::size_t file);
  std::unique_ptr<DirectoryLock> held_lock(const std::string& path);

  std::size_t add_file(Content content) {
    contents_.push_back(std::move(content));
    return contents_.size() - 1;
  }

  /// Before every change: lets happen what is to happen meanwhile, and says if the change may not.
  std::error_code begin_change(bool needs_room = false) {
    if (event_ && log_.size() >= event_at_) std::exchange(event_, nullptr)();
    if (dead()) return std::make_error_code(std::errc::io_error);
    if (needs_room && full_) return std::make_error_code(std::errc::no_space_on_device);
    return {};
  }

  void note(Operation operation) { log_.push_back(std::move(operation)); }

  std::set<std::string> directories_;
  std::map<std::string, std::size_t> names_;
  std::vector<Content> contents_;
  std::set<std::string> locks_;
  std::vector<Operation> log_;
  std::size_t dies_at_ = ~std::size_t{0};
  std::size_t event_at_ = 0;
  std::function<void()> event_;
  std::uint64_t random_number_ = 0x9e3779b97f4a7c15;
  std::size_t syncs_ = 0;
  std::size_t failing_sync_ = 0;
  std::size_t directory_syncs_ = 0;
  std::size_t failing_directory_sync_ = 0;
  bool full_ = false;
};

class RecordingDisk::HeldLock final : public DirectoryLock {
 public:
  HeldLock(RecordingDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  ~HeldLock() override { disk_.locks_.erase(path_); }

 private:
  RecordingDisk& disk_;
  const std::string path_;
};

class RecordingDisk::OpenFile final : public File {
 public:
  OpenFile(RecordingDisk& disk, std::size_t file) : disk_(disk), file_(file) {}

  std::size_t write_some(std::span<const std::byte> data, std::uint64_t offset,
                         std::error_code& error) override {
    const bool grows = offset + data.size() > size();
    if ((error = disk_.begin_change(grows))) return 0;
    auto changed = *disk_.contents_[file_];
    if (grows) changed.resize(offset + data.size());
    std::copy(data.begin(), data.end(), changed.begin() + static_cast<std::ptrdiff_t>(offset));
    disk_.contents_[file_] = std::make_shared<std::vector<std::byte>>(std::move(changed));
    disk_.note(
        {.kind = Kind::write, .file = file_, .offset = offset, .data = {data.begin(), data.end()}});
    return data.size();
  }

  std::size_t read_some(std::span<std::byte> into, std::uint64_t offset,
                        std::error_code& error) override {
    error = {};
    const auto& content = *disk_.contents_[file_];
    if (offset >= content.size()) return 0;
    const auto count = std::min<std::size_t>(into.size(), content.size() - offset);
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

  std::error_code sync_data() override {
    if (const auto error = disk_.begin_change()) return error;
    const bool fails = ++disk_.syncs_ == disk_.failing_sync_;
    disk_.note({.kind = fails ? Kind::failed_sync : Kind::sync_data, .file = file_});
    return fails ? std::make_error_code(std::errc::io_error) : std::error_code{};
  }

  std::error_code allocate(std::uint64_t size) override {
    if (const auto error = disk_.begin_change(true)) return error;
    if (size <= this->size()) return {};
    auto changed = *disk_.contents_[file_];
    changed.resize(size);
    disk_.contents_[file_] = std::make_shared<std::vector<std::byte>>(std::move(changed));
    disk_.note({.kind = Kind::allocate, .file = file_, .size = size});
    return {};
  }

  std::uint64_t size() const override { return disk_.contents_[file_]->size(); }

 private:
  RecordingDisk& disk_;
  const std::size_t file_;
};

inline std::unique_ptr<File> RecordingDisk::handle_of(std::size_t file) {
  return std::make_unique<OpenFile>(*this, file);
}

inline std::unique_ptr<DirectoryLock> RecordingDisk::held_lock(const std::string& path) {
  return std::make_unique<HeldLock>(*this, path);
}

}  // namespace postoffice::journal
