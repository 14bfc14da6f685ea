// What was done to a disk, and what a power cut leaves of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/mix64.hpp"

namespace postoffice::journal {

/// Shared until somebody writes to it: own().
using Content = std::shared_ptr<std::vector<std::byte>>;

inline std::vector<std::byte>& own(Content& content) {
  if (content.use_count() > 1) content = std::make_shared<std::vector<std::byte>>(*content);
  return *content;
}

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

constexpr std::size_t sector_size = 512;

/// What became of an operation that no sync had saved. A change of names happens as a whole or not
/// at all, and so does what lies within a sector; nothing else is taken for granted, no order
/// either.
struct Fate {
  std::uint64_t lost = 0;     ///< a bit for each sector of a write; the rest of it was written
  std::uint64_t zeroed = 0;   ///< those of the lost that hold zeros, not what was there before
  std::uint64_t garbled = 0;  ///< and of the others, those that hold what nobody wrote

  static constexpr Fate dropped() { return {~std::uint64_t{0}}; }
  static constexpr Fate all_zeroed() { return {~std::uint64_t{0}, ~std::uint64_t{0}}; }
  /// Only the first so many sectors were written, or all but those.
  static constexpr Fate head(std::size_t sectors) { return {~std::uint64_t{0} << sectors}; }
  static constexpr Fate tail(std::size_t sectors) { return {~(~std::uint64_t{0} << sectors)}; }

  bool changes_nothing() const { return (~lost | zeroed | garbled) == 0; }
  static bool has(std::uint64_t sectors, std::size_t sector) {
    return (sectors >> std::min<std::size_t>(sector, 63)) & 1;
  }
};

/// A power cut after the first `length` operations. What was not saved by then is kept, if it
/// suffers nothing else.
class PowerCut {
 public:
  PowerCut(const Image& start, const std::vector<Operation>& log, std::size_t length)
      : log_(log), fates_(length) {
    synced_.directories = start.directories;
    for (const auto& [path, content] : start.files) {
      synced_.names[path] = synced_.contents.size();
      synced_.contents.push_back(content);
    }
    find_unsynced();
    replayed_ = unsynced_.empty() ? length : unsynced_.front();
    for (std::size_t i = 0; i < replayed_; ++i) apply(synced_, log_[i], {});
  }

  /// The numbers of the operations that no sync saved.
  const std::vector<std::size_t>& unsynced() const { return unsynced_; }

  void suffer(std::size_t operation, Fate fate) { fates_[operation] = fate; }

  Image outcome() const {
    Replay replay = synced_;
    for (auto i = replayed_; i < fates_.size(); ++i) apply(replay, log_[i], fates_[i]);
    Image image{std::move(replay.directories), {}};
    std::erase_if(image.directories, [&](const std::string& path) {
      return path != "." && !image.directories.contains(parent_of(path));
    });
    for (const auto& [path, file] : replay.names) {
      if (image.directories.contains(parent_of(path))) image.files[path] = replay.contents[file];
    }
    return image;
  }

 private:
  using Kind = Operation::Kind;

  struct Replay {
    std::set<std::string> directories;
    std::map<std::string, std::size_t> names;
    std::vector<Content> contents;
  };

  /// The first sync behind a change of data decides, any of its directory saves a change of names.
  void find_unsynced() {
    std::map<std::size_t, bool> saved;
    std::set<std::string> saved_directories;
    for (auto i = fates_.size(); i-- > 0;) {
      const auto& operation = log_[i];
      switch (operation.kind) {
        case Kind::mark: break;
        case Kind::sync_data: saved[operation.file] = true; break;
        case Kind::failed_sync: saved[operation.file] = false; break;
        case Kind::sync_directory: saved_directories.insert(operation.path); break;
        case Kind::write:
        case Kind::allocate:
          if (!saved[operation.file]) unsynced_.push_back(i);
          break;
        default:
          if (!saved_directories.contains(parent_of(operation.path))) unsynced_.push_back(i);
      }
    }
    std::reverse(unsynced_.begin(), unsynced_.end());
  }

  static void apply(Replay& replay, const Operation& operation, const Fate& fate) {
    const bool kept = fate.lost == 0;
    auto& names = replay.names;
    const auto is_named = [&](const std::string& path) {
      const auto found = names.find(path);
      return found != names.end() && found->second == operation.file;
    };
    switch (operation.kind) {
      case Kind::make_directory:
        if (kept) replay.directories.insert(operation.path);
        break;
      case Kind::create:
        replay.contents.resize(operation.file + 1, std::make_shared<std::vector<std::byte>>());
        if (kept) names[operation.path] = operation.file;
        break;
      case Kind::rename:
        if (kept && is_named(operation.from)) names.erase(operation.from);
        if (kept) names[operation.path] = operation.file;
        break;
      case Kind::remove:
        if (kept && is_named(operation.path)) names.erase(operation.path);
        break;
      case Kind::write: write(replay.contents[operation.file], operation, fate); break;
      case Kind::allocate:
        if (kept) grow(replay.contents[operation.file], operation.size);
        break;
      default: break;
    }
  }

  static void grow(Content& content, std::size_t size) {
    if (content->size() < size) own(content).resize(size);
  }

  static void write(Content& content, const Operation& operation, const Fate& fate) {
    if (fate.changes_nothing()) return;
    auto& bytes = own(content);
    const auto size = operation.data.size();
    for (std::size_t at = 0, sector = 0, end = 0; at < size; at = end, ++sector) {
      const auto place = operation.offset + at;
      end = std::min(at + sector_size - place % sector_size, size);
      const bool lost = Fate::has(fate.lost, sector);
      const bool zeroed = Fate::has(fate.zeroed, sector);
      if (lost && !zeroed && !Fate::has(fate.garbled, sector)) continue;
      bytes.resize(std::max(bytes.size(), operation.offset + end));
      const auto to = bytes.begin() + static_cast<std::ptrdiff_t>(place);
      if (!lost)
        std::copy_n(operation.data.begin() + static_cast<std::ptrdiff_t>(at), end - at, to);
      else if (zeroed)
        std::fill_n(to, end - at, std::byte{});
      else
        std::generate_n(to, end - at, [n = place]() mutable { return std::byte(mix64(n++)); });
    }
  }

  const std::vector<Operation>& log_;
  std::vector<Fate> fates_;
  std::vector<std::size_t> unsynced_;
  Replay synced_;             // and what was not, but lies before the first that was not
  std::size_t replayed_ = 0;  // into it
};

}  // namespace postoffice::journal
