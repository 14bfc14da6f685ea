#include "admin/store_census.hpp"

#include <chrono>
#include <mutex>
#include <utility>

namespace postofficed {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t piece_rows = 10'000;
constexpr int rest_factor = 50;
constexpr std::chrono::seconds between_rounds{5};
constexpr std::chrono::seconds until_asked_again{1};

}  // namespace

class StoreCensus::Walk : public std::enable_shared_from_this<StoreCensus::Walk> {
 public:
  Walk(postoffice::Clock& clock, postoffice::ObjectReader& store, std::function<bool()> wanted)
      : clock_(clock), store_(store), wanted_(std::move(wanted)) {}

  void go_on(postoffice::Duration rest) {
    clock_.call_at(clock_.now() + rest, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->count_piece();
    });
  }

  std::optional<StoreCounts> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  // One piece at a time, so what follows needs no lock but for the result.
  void count_piece() {
    if (!wanted_()) return start_again(std::nullopt, until_asked_again);
    query_.limit = piece_rows;
    const auto begun = SteadyClock::now();
    store_.count(query_, [weak = weak_from_this(), begun](std::error_code error,
                                                          const postoffice::RowCount& count) {
      const auto self = weak.lock();
      if (!self) return;
      const auto took = std::chrono::ceil<postoffice::Duration>(SteadyClock::now() - begun);
      if (error) return self->start_again(std::nullopt, between_rounds);
      self->counted(count, rest_factor * took);
    });
  }

  void counted(const postoffice::RowCount& count, postoffice::Duration rest) {
    sum_.online += count.online;
    sum_.offline += count.offline;
    sum_.dead_letters += count.dead_letters;
    if (count.last) {
      query_.after = count.last;
    } else if (!query_.dead_letters) {
      query_ = {.dead_letters = true};
      sum_.letters_at = clock_.now();
    } else {
      return start_again(sum_, std::max<postoffice::Duration>(rest, between_rounds));
    }
    go_on(rest);
  }

  void start_again(std::optional<StoreCounts> result, postoffice::Duration rest) {
    {
      const std::lock_guard lock(mutex_);
      counts_ = result;
    }
    sum_ = {};
    query_ = {};
    go_on(rest);
  }

  postoffice::Clock& clock_;
  postoffice::ObjectReader& store_;
  const std::function<bool()> wanted_;
  postoffice::CountQuery query_;
  StoreCounts sum_;
  mutable std::mutex mutex_;
  std::optional<StoreCounts> counts_;
};

StoreCensus::StoreCensus(postoffice::Clock& clock, postoffice::ObjectReader& store,
                         std::function<bool()> wanted)
    : walk_(std::make_shared<Walk>(clock, store, std::move(wanted))) {
  walk_->go_on(postoffice::Duration(0));
}

std::optional<StoreCounts> StoreCensus::counts() const { return walk_->counts(); }

}  // namespace postofficed
