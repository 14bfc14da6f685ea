// Every state in which a power cut may leave a disk, from the log of what was done to it.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "journal/disk_log.hpp"

namespace postoffice::journal {

class CrashStates {
 public:
  static constexpr std::size_t sectors_exhaustive = 8;
  static constexpr std::size_t chosen_max = 4;    ///< operations that suffer a fate of their own
  static constexpr std::size_t unsynced_max = 9;  ///< that are chosen from; beyond: the last ones

  /// `every`: only every n-th state is visited.
  CrashStates(const Image& start, const std::vector<Operation>& log, std::size_t every = 1)
      : start_(start), log_(log), every_(every) {}

  using Visit = std::function<void(const Image&)>;

  /// A power cut after the first `length` operations.
  void after(std::size_t length, const Visit& visit) {
    cut_.emplace(start_, log_, length);
    unsynced_ = cut_->unsynced();
    unsynced_most_ = std::max(unsynced_most_, unsynced_.size());
    if (unsynced_.size() > unsynced_max) {
      ++bounded_;
      unsynced_.erase(unsynced_.begin(), unsynced_.end() - unsynced_max);
    }
    std::vector<std::size_t> chosen;
    choose(0, chosen, visit);
  }

  std::size_t bounded() const { return bounded_; }  ///< prefixes with too many unsynced operations
  std::size_t unsynced_most() const { return unsynced_most_; }

 private:
  /// All subsets of up to chosen_max, each with all fates; and for each, only its members kept.
  void choose(std::size_t from, std::vector<std::size_t>& chosen, const Visit& visit) {
    suffer(chosen, 0, visit);
    for (const auto& lost : {Fate::dropped(), Fate::all_zeroed()}) {
      for (const auto i : unsynced_) cut_->suffer(i, lost);
      for (const auto i : chosen) cut_->suffer(i, {});
      show(visit);
    }
    for (const auto i : unsynced_) cut_->suffer(i, {});
    if (chosen.size() == chosen_max) return;
    for (auto next = from; next < unsynced_.size(); ++next) {
      chosen.push_back(unsynced_[next]);
      choose(next + 1, chosen, visit);
      chosen.pop_back();
    }
  }

  void show(const Visit& visit) {
    if (outcomes_++ % every_ == 0) visit(cut_->outcome());
  }

  void suffer(const std::vector<std::size_t>& chosen, std::size_t at, const Visit& visit) {
    if (at == chosen.size()) return show(visit);
    for (const auto& fate : fates_of(log_[chosen[at]], chosen.size())) {
      cut_->suffer(chosen[at], fate);
      suffer(chosen, at + 1, visit);
    }
    cut_->suffer(chosen[at], {});
  }

  static std::vector<Fate> fates_of(const Operation& operation, std::size_t together) {
    std::vector<Fate> fates{Fate::dropped()};
    if (operation.kind != Operation::Kind::write) return fates;
    const auto sectors = (operation.data.size() + sector_size - 1) / sector_size;
    for (const auto lost : torn(sectors, together)) fates.push_back({lost});
    for (auto i = fates.size(); i-- > 0;) fates.push_back({fates[i].lost, fates[i].lost});
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

  const Image& start_;
  const std::vector<Operation>& log_;
  const std::size_t every_;
  std::optional<PowerCut> cut_;
  std::vector<std::size_t> unsynced_;
  std::size_t outcomes_ = 0;
  std::size_t bounded_ = 0;
  std::size_t unsynced_most_ = 0;
};

/// Only what was synced is left.
inline Image nothing_unsynced(const Image& start, const std::vector<Operation>& log) {
  PowerCut cut(start, log, log.size());
  for (const auto i : cut.unsynced()) cut.suffer(i, Fate::dropped());
  return cut.outcome();
}

/// The newest write that was not synced, if there is one, suffers this.
inline Image with_last_write(const Image& start, const std::vector<Operation>& log, Fate fate) {
  PowerCut cut(start, log, log.size());
  const auto& unsynced = cut.unsynced();
  const auto write = std::find_if(unsynced.rbegin(), unsynced.rend(), [&](std::size_t i) {
    return log[i].kind == Operation::Kind::write;
  });
  if (write != unsynced.rend()) cut.suffer(*write, fate);
  return cut.outcome();
}

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
