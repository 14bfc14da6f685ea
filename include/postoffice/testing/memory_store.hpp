// An object store in memory, for tests.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/object_reader.hpp"

namespace postoffice::testing {

/// Keeps the contracts of ObjectStore and ObjectReader except durability. Completions run inside
/// the call, or inside release() after hold().
///
/// Threads: all methods from any thread.
class MemoryStore final : public ReadableObjectStore {
 public:
  /// What a failing call does before it fails: an outcome that the caller cannot know.
  enum class Effect { none, applied };

  void apply(Changes changes, ApplyDone done) override {
    {
      const std::lock_guard lock(mutex_);
      if (!failure_ && !changes.each && refuses_any(changes)) {
        auto completion = [done] { done(Error::rejected, Applied{}); };
        if (!holding_) return completion();
        held_calls_.push_back(std::move(completion));
        return;
      }
    }
    call([&] { return apply_now(changes); }, std::move(done), Applied{});
  }

  void expire(Expiry expiry, ExpireDone done) override {
    call([&] { return expire_now(expiry); }, std::move(done), Expired{});
  }

  void find(ObjectQuery query, FindDone done) override {
    call([&] { return find_now(query); }, std::move(done), std::vector<Object>{});
  }

  void find_dead_letters(DeadLetterQuery query, DeadLettersDone done) override {
    call([&] { return find_letters_now(query); }, std::move(done), std::vector<DeadLetter>{});
  }

  /// From now on every call fails with `error`; with no error, calls work again.
  void fail(std::error_code error, Effect effect = Effect::none) {
    const std::lock_guard lock(mutex_);
    failure_ = error;
    effect_ = effect;
  }

  /// From now on the row is neither written nor deleted; with `letters` no dead letter of its id is
  /// written either.
  void refuse(Refusal refusal, bool letters = false) {
    const std::lock_guard lock(mutex_);
    if (letters) refused_letters_[refusal.id] = refusal;
    refused_[refusal.id] = std::move(refusal);
  }

  void allow(ObjectId id) {
    const std::lock_guard lock(mutex_);
    refused_.erase(id);
    refused_letters_.erase(id);
  }

  /// From now on completions wait for release(). The calls take effect at once.
  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }

  /// Runs the waiting completions, in order; those of later calls run at once again.
  void release() {
    std::vector<std::function<void()>> ready;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      ready.swap(held_calls_);
    }
    for (const auto& completion : ready) completion();
  }

  std::map<ObjectId, Object> objects() const {
    const std::lock_guard lock(mutex_);
    return objects_;
  }

  std::map<ObjectId, DeadLetter> dead_letters() const {
    const std::lock_guard lock(mutex_);
    return dead_letters_;
  }

 private:
  /// Answers older than a removal by this much belong to receipts that are fetched anew anyway.
  static constexpr std::chrono::minutes removal_memory{10};

  template <typename Work, typename Done, typename Result>
  void call(Work work, Done done, Result nothing) {
    std::unique_lock lock(mutex_);
    const std::error_code error = failure_;
    Result result = std::move(nothing);
    if (!error) {
      result = work();
    } else if (effect_ == Effect::applied) {
      work();
    }
    auto completion = [done = std::move(done), error, result = std::move(result)] {
      done(error, result);
    };
    if (holding_) {
      held_calls_.push_back(std::move(completion));
      return;
    }
    lock.unlock();
    completion();
  }

  bool refuses_any(const Changes& changes) const {
    const auto row = [&](const auto& change) { return refused_.contains(change.id); };
    const auto letter = [&](const auto& change) { return refused_letters_.contains(change.id); };
    const auto touch = [&](const Touch& change) {
      return objects_.contains(change.id) && row(change);
    };
    return std::any_of(changes.touches.begin(), changes.touches.end(), touch) ||
           std::any_of(changes.answers.begin(), changes.answers.end(), row) ||
           std::any_of(changes.removals.begin(), changes.removals.end(), row) ||
           std::any_of(changes.dead_letters.begin(), changes.dead_letters.end(), letter);
  }

  void hold_receipt(ObjectId id, Timestamp received_at) {
    Timestamp& receipt = receipts_.try_emplace(id, received_at).first->second;
    receipt = std::max(receipt, received_at);
  }

  /// True if the row is refused: its receipt is held, and it is named.
  bool passed_by(ObjectId id, Timestamp received_at, Applied& applied) {
    const auto refusal = refused_.find(id);
    if (refusal == refused_.end()) return false;
    hold_receipt(id, received_at);
    applied.refused.push_back(refusal->second);
    return true;
  }

  Applied apply_now(Changes changes) {
    Applied applied;
    for (const Touch& held : changes.held) hold_receipt(held.id, held.last_seen);
    const auto passed = [&](const auto& change) {
      return passed_by(change.id, change.last_seen, applied);
    };
    std::erase_if(changes.touches,
                  [&](const Touch& touch) { return objects_.contains(touch.id) && passed(touch); });
    std::erase_if(changes.answers, passed);
    std::erase_if(changes.removals, passed);
    std::erase_if(changes.cleared, [&](ObjectId id) { return refused_.contains(id); });
    std::erase_if(changes.dead_letters, [&](const DeadLetter& letter) {
      const auto refusal = refused_letters_.find(letter.id);
      if (refusal != refused_letters_.end()) applied.refused.push_back(refusal->second);
      return refusal != refused_letters_.end();
    });
    const auto by_id = [](const Refusal& a, const Refusal& b) { return a.id < b.id; };
    std::sort(applied.refused.begin(), applied.refused.end(), by_id);
    apply_allowed(changes, applied);
    return applied;
  }

  void apply_allowed(const Changes& changes, Applied& applied) {
    for (const Touch& touch : changes.touches) {
      const auto row = objects_.find(touch.id);
      if (row == objects_.end()) {
        applied.missing.push_back(touch.id);
      } else {
        row->second.last_seen = std::max(row->second.last_seen, touch.last_seen);
      }
    }
    const Timestamp cutoff = std::max(changes.cutoff, cutoff_);
    for (const Object& answer : changes.answers) answer_now(answer, cutoff, applied);
    for (const Object& removal : changes.removals) remove_now(removal);
    for (const ObjectId id : changes.cleared) dead_letters_.erase(id);
    for (const DeadLetter& letter : changes.dead_letters) dead_letters_[letter.id] = letter;
  }

  void answer_now(const Object& answer, Timestamp cutoff, Applied& applied) {
    const auto found = objects_.find(answer.id);
    if (found == objects_.end()) {
      if (answer.last_seen < cutoff) {
        applied.late.push_back(answer.id);
      } else if (const auto removed = removed_.find(answer.id);
                 removed == removed_.end() || removed->second < answer.fetched_at) {
        removed_.erase(answer.id);
        objects_.emplace(answer.id, answer);
      }
      return;
    }
    Object& row = found->second;
    row.last_seen = std::max(row.last_seen, answer.last_seen);
    if (row.fetched_at >= answer.fetched_at) return;
    row.online = answer.online;
    row.fetched_at = answer.fetched_at;
  }

  void remove_now(const Object& removal) {
    const auto found = objects_.find(removal.id);
    if (found != objects_.end() && found->second.fetched_at > removal.fetched_at) {
      found->second.last_seen = std::max(found->second.last_seen, removal.last_seen);
      return;
    }
    if (found != objects_.end()) objects_.erase(found);
    const auto [place, added] = removed_.emplace(removal.id, removal.fetched_at);
    if (!added) place->second = std::max(place->second, removal.fetched_at);
  }

  Expired expire_now(const Expiry& expiry) {
    cutoff_ = std::max(cutoff_, expiry.cutoff);
    const auto is_old = [&](const auto& row) {
      const auto receipt = receipts_.find(row.first);
      const bool held = receipt != receipts_.end() && receipt->second >= expiry.cutoff;
      return row.second.last_seen < expiry.cutoff && !held;
    };
    Expired result;
    const auto is_expired = [&](const auto& row) {
      const auto refusal = is_old(row) ? refused_.find(row.first) : refused_.end();
      if (refusal != refused_.end()) result.refused.push_back(refusal->second);
      return is_old(row) && refusal == refused_.end();
    };
    if (expiry.scan) result.deleted = std::erase_if(objects_, is_expired);
    if (expiry.scan && expiry.tell_oldest) result.oldest_left = oldest_left(expiry.cutoff);
    for (const ObjectId id : expiry.ids) {
      const auto row = objects_.find(id);
      if (expiry.scan || row == objects_.end() || !is_expired(*row)) continue;
      objects_.erase(row);
      ++result.deleted;
    }
    std::erase_if(removed_, [&](const auto& removed) {
      return removed.second < expiry.cutoff - removal_memory;
    });
    return result;
  }

  Timestamp oldest_left(Timestamp cutoff) const {
    Timestamp oldest = Timestamp::max();
    for (const auto& [id, row] : objects_) {
      if (row.last_seen >= cutoff) oldest = std::min(oldest, row.last_seen);
    }
    for (const auto& [id, receipt] : receipts_) {
      if (receipt >= cutoff) oldest = std::min(oldest, receipt);
    }
    return oldest;
  }

  std::vector<Object> find_now(const ObjectQuery& query) const {
    std::vector<Object> found;
    for (const auto& [id, object] : objects_) {
      if (found.size() >= query.limit) break;
      if (query.id && id != *query.id) continue;
      if (query.after && id <= *query.after) continue;
      if (query.online && object.online != *query.online) continue;
      found.push_back(object);
    }
    return found;
  }

  std::vector<DeadLetter> find_letters_now(const DeadLetterQuery& query) const {
    std::vector<DeadLetter> found;
    for (const auto& [id, letter] : dead_letters_) {
      if (found.size() >= query.limit) break;
      if (query.after && id <= *query.after) continue;
      if (query.ids && std::count(query.ids->begin(), query.ids->end(), id) == 0) continue;
      if (letter.failed_at < query.failed_since) continue;
      if (letter.reason.find(query.reason) == std::string::npos) continue;
      found.push_back(letter);
    }
    return found;
  }

  mutable std::mutex mutex_;
  std::map<ObjectId, Object> objects_;
  std::map<ObjectId, Timestamp> removed_;  // fetched_at of the newest removal; never beside a row
  std::map<ObjectId, DeadLetter> dead_letters_;
  std::map<ObjectId, Timestamp> receipts_;  // held beside the rows (Changes::held)
  std::map<ObjectId, Refusal> refused_;
  std::map<ObjectId, Refusal> refused_letters_;
  Timestamp cutoff_ = Timestamp::min();
  std::error_code failure_;
  Effect effect_ = Effect::none;
  bool holding_ = false;
  std::vector<std::function<void()>> held_calls_;
};

}  // namespace postoffice::testing
