// A queue in one piece of memory that is used again and again.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace postoffice::core {

/// First in, first out; an element that was taken out can be put back in front. An element keeps
/// its position until it leaves. The memory is that of the largest number held so far; an element
/// that has left is not destroyed, but overwritten by a later one.
template <typename Item>
class Ring {
 public:
  using Position = std::uint32_t;

  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }

  Item& front() { return (*this)[begin_]; }
  const Item& front() const { return (*this)[begin_]; }
  Item& operator[](Position position) {
    assert(holds(position));
    return items_[position & mask()];
  }
  const Item& operator[](Position position) const {
    assert(holds(position));
    return items_[position & mask()];
  }

  Position push_back(Item&& item) {
    if (size() == capacity_) grow();
    (*this)[end_++] = std::move(item);
    return end_ - 1;
  }

  Position push_front(Item&& item) {
    if (size() == capacity_) grow();
    (*this)[--begin_] = std::move(item);
    return begin_;
  }

  void pop_front() {
    assert(!empty());
    ++begin_;
  }

  Item& back() { return (*this)[end_ - 1]; }
  void pop_back() {
    assert(!empty());
    --end_;
  }

 private:
  bool holds(Position position) const { return position - begin_ < end_ - begin_; }
  std::uint32_t mask() const { return capacity_ - 1; }

  void grow() {
    const std::uint32_t larger = capacity_ == 0 ? 16 : capacity_ * 2;
    auto items = std::make_unique<Item[]>(larger);
    for (Position at = begin_; at != end_; ++at) {
      items[at & (larger - 1)] = std::move((*this)[at]);
    }
    items_ = std::move(items);
    capacity_ = larger;
  }

  std::unique_ptr<Item[]> items_;
  std::uint32_t capacity_ = 0;  // a power of two, so that positions may wrap around
  Position begin_ = 0;
  Position end_ = 0;
};

}  // namespace postoffice::core
