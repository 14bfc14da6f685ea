// Every state in which a power cut may leave a disk, from the log of what was done to it.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "journal/recording_disk.hpp"

namespace postoffice::journal {

/// What became of an operation that no sync had saved. A change of names happens as a whole or not
/// at all, and so does what lies within a sector; nothing else is taken for granted, no order
/// either.
struct Fate {
  std::uint64_t lost = 0;  ///< a bit for each sector of a write; the rest of it was written
  bool zeroed = false;     ///< those hold zeros, not what was there before

  static constexpr Fate dropped() { return {~std::uint64_t{0}, false}; }
  static constexpr Fate all_zeroed() { return {~std::uint64_t{0}, true}; }
  /// Only the first so many sectors were written, or all but those.
  static constexpr Fate head(std::size_t sectors) { return {~std::uint64_t{0} << sectors, false}; }
  static constexpr Fate tail(std::size_t sectors) {
    return {~(~std::uint64_t{0} << sectors), false};
  }
  bool loses(std::size_t sector) const { return (lost >> std::min<std::size_t>(sector, 63)) & 1; }
};

class CrashStates {
 public:
  static constexpr std::size_t sector = 512;
  static constexpr std::size_t sectors_exhaustive = 8;
  static constexpr std::size_t chosen_max = 4;    ///< operations that suffer a fate of their own
  static constexpr std::size_t unsynced_max = 9;  ///< that are chosen from; beyond: the last ones

  /// `every`: only every n-th state is visited.
  CrashStates(const Image& image, const std::vector<Operation>& log, std::size_t every = 1)
      : log_(log), every_(every) {
    start_.directories = image.directories;
    for (const auto& [path, content] : image.files) {
      start_.names[path] = start_.contents.size();
      start_.contents.push_back(content);
    }
  }

  using Visit = std::function<void(const Image&)>;

  /// A power cut after the first `length` operations.
  void after(std::size_t length, const Visit& visit) {
    begin(length);
    std::vector<std::size_t> chosen;
    choose(0, chosen, visit);
  }

  /// Only what was synced is left.
  Image nothing_unsynced(std::size_t length) {
    begin(length);
    for (const auto i : unsynced_) fates_[i] = Fate::dropped();
    return outcome();
  }

  /// The newest write that was not synced, if there is one, suffers this.
  Image with_last_write(std::size_t length, Fate fate) {
    begin(length);
    const auto write = std::find_if(unsynced_.rbegin(), unsynced_.rend(), [&](std::size_t i) {
      return log_[i].kind == Operation::Kind::write;
    });
    if (write != unsynced_.rend()) fates_[*write] = fate;
    return outcome();
  }

  std::size_t bounded() const { return bounded_; }  ///< prefixes with too many unsynced operations
  std::size_t unsynced_most() const { return unsynced_most_; }

 private:
  using Kind = Operation::Kind;

  struct Replay {
    std::set<std::string> directories;
    std::map<std::string, std::size_t> names;
    std::vector<Content> contents;
  };

  void begin(std::size_t length) {
    length_ = length;
    unsynced_.clear();
    for (std::size_t i = 0; i < length; ++i) {
      if (changes(log_[i]) && !is_saved(i)) unsynced_.push_back(i);
    }
    unsynced_most_ = std::max(unsynced_most_, unsynced_.size());
    fates_.assign(length, {});
    checkpoint_ = start_;
    replayed_ = unsynced_.empty() ? length : unsynced_.front();
    for (std::size_t i = 0; i < replayed_; ++i) apply(checkpoint_, log_[i], {});
    if (unsynced_.size() <= unsynced_max) return;
    ++bounded_;
    unsynced_.erase(unsynced_.begin(), unsynced_.end() - unsynced_max);
  }

  static bool changes(const Operation& operation) {
    return operation.kind != Kind::sync_data && operation.kind != Kind::failed_sync &&
           operation.kind != Kind::sync_directory && operation.kind != Kind::mark;
  }

  bool is_saved(std::size_t i) const {
    const auto& operation = log_[i];
    const bool data = operation.kind == Kind::write || operation.kind == Kind::allocate;
    for (auto later = i + 1; later < length_; ++later) {
      const auto& other = log_[later];
      if (data && other.file == operation.file) {
        if (other.kind == Kind::failed_sync) return false;
        if (other.kind == Kind::sync_data) return true;
      }
      if (!data && other.kind == Kind::sync_directory && other.path == parent_of(operation.path)) {
        return true;
      }
    }
    return false;
  }

  /// All subsets of up to chosen_max, each with all fates; and for each, only its members kept.
  void choose(std::size_t from, std::vector<std::size_t>& chosen, const Visit& visit) {
    suffer(chosen, 0, visit);
    for (const auto& lost : {Fate::dropped(), Fate::all_zeroed()}) {
      for (const auto i : unsynced_) fates_[i] = lost;
      for (const auto i : chosen) fates_[i] = {};
      show(visit);
    }
    for (const auto i : unsynced_) fates_[i] = {};
    if (chosen.size() == chosen_max) return;
    for (auto next = from; next < unsynced_.size(); ++next) {
      chosen.push_back(unsynced_[next]);
      choose(next + 1, chosen, visit);
      chosen.pop_back();
    }
  }

  void show(const Visit& visit) {
    if (outcomes_++ % every_ == 0) visit(outcome());
  }

  void suffer(const std::vector<std::size_t>& chosen, std::size_t at, const Visit& visit) {
    if (at == chosen.size()) return show(visit);
    for (const auto& fate : fates_of(log_[chosen[at]], chosen.size())) {
      fates_[chosen[at]] = fate;
      suffer(chosen, at + 1, visit);
    }
    fates_[chosen[at]] = {};
  }

  static std::vector<Fate> fates_of(const Operation& operation, std::size_t together) {
    std::vector<Fate> fates{Fate::dropped()};
    if (operation.kind != Kind::write) return fates;
    const auto sectors = (operation.data.size() + sector - 1) / sector;
    for (const auto lost : torn(sectors, together)) fates.push_back({lost, false});
    for (auto i = fates.size(); i-- > 0;) fates.push_back({fates[i].lost, true});
    return fates;
  }

  /// A write that suffers alone loses every set of its sectors, or, if it is large, every first
  /// ones, last ones, single one and all but one. Those that suffer together lose a few of these.
  static std::vector<std::uint64_t> torn(std::size_t sectors, std::size_t together) {
    std::vector<std::uint64_t> sets;
    const auto all = ~(~std::uint64_t{0} << sectors);
    if (together == 1 && sectors <= sectors_exhaustive) {
      for (std::uint64_t lost = 1; lost < all; ++lost) sets.push_back(lost);
      return sets;
    }
    for (std::size_t at = 1; at < sectors; ++at) {
      const bool middle = at == sectors / 2;
      const bool edge = at == 1 || at + 1 == sectors;
      if (together > 1 && !middle && !(together == 2 && edge)) continue;
      sets.push_back(Fate::head(at).lost & all);
      sets.push_back(Fate::tail(at).lost);
      if (together > 1) continue;
      sets.push_back(std::uint64_t{1} << at);
      sets.push_back(all & ~(std::uint64_t{1} << at));
    }
    return sets;
  }

  Image outcome() const {
    Replay replay = checkpoint_;
    for (auto i = replayed_; i < length_; ++i) apply(replay, log_[i], fates_[i]);
    Image image{std::move(replay.directories), {}};
    std::erase_if(image.directories, [&](const std::string& path) {
      return path != "." && !image.directories.contains(parent_of(path));
    });
    for (const auto& [path, file] : replay.names) {
      if (image.directories.contains(parent_of(path))) image.files[path] = replay.contents[file];
    }
    return image;
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
    if (content->size() >= size) return;
    auto grown = *content;
    grown.resize(size);
    content = std::make_shared<std::vector<std::byte>>(std::move(grown));
  }

  static void write(Content& content, const Operation& operation, const Fate& fate) {
    if (fate.lost == ~std::uint64_t{0} && !fate.zeroed) return;
    auto changed = *content;
    const auto size = operation.data.size();
    for (std::size_t at = 0; at < size; at += sector) {
      const auto end = std::min(at + sector, size);
      const bool lost = fate.loses(at / sector);
      if (lost && !fate.zeroed) continue;
      changed.resize(std::max(changed.size(), operation.offset + end));
      const auto to = changed.begin() + static_cast<std::ptrdiff_t>(operation.offset + at);
      if (lost)
        std::fill_n(to, end - at, std::byte{});
      else
        std::copy_n(operation.data.begin() + static_cast<std::ptrdiff_t>(at), end - at, to);
    }
    content = std::make_shared<std::vector<std::byte>>(std::move(changed));
  }

  const std::vector<Operation>& log_;
  Replay start_;
  Replay checkpoint_;
  std::size_t replayed_ = 0;  // into the checkpoint
  std::size_t length_ = 0;
  std::vector<std::size_t> unsynced_;
  std::vector<Fate> fates_;
  const std::size_t every_;
  std::size_t outcomes_ = 0;
  std::size_t bounded_ = 0;
  std::size_t unsynced_most_ = 0;
};

/// Two images with the same are taken for the same.
inline std::size_t hash_of(const Image& image) {
  std::size_t hash = 0;
  const auto mix = [&](std::string_view text) {
    hash = (hash ^ std::hash<std::string_view>()(text)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 29;
  };
  for (const auto& path : image.directories) mix(path);
  for (const auto& [path, content] : image.files) {
    mix(path);
    mix({reinterpret_cast<const char*>(content->data()), content->size()});
  }
  return hash;
}

}  // namespace postoffice::journal
