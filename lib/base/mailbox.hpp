// What any thread leaves for one owner, who is woken once for all of it.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace postoffice {

/// Threads: put() and ring() from any thread; take_all() by the owner.
template <typename Item>
class Mailbox {
 public:
  /// True if the owner must be woken: nobody has been told so since it last took what there was.
  /// Whoever is told must see to it, else nobody will.
  [[nodiscard]] bool put(Item item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    return !std::exchange(rung_, true);
  }

  /// The same with nothing to leave.
  [[nodiscard]] bool ring() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(rung_, true);
  }

  /// Everything, in the order it was put. What comes from now on needs a new waking.
  std::vector<Item> take_all() {
    std::vector<Item> items;
    const std::lock_guard lock(mutex_);
    items.swap(items_);
    rung_ = false;
    return items;
  }

 private:
  std::mutex mutex_;
  std::vector<Item> items_;
  bool rung_ = false;
};

}  // namespace postoffice
