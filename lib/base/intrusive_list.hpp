// A doubly linked list of elements that stand in a pool, by their numbers there.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>

namespace postoffice {

/// The neighbours of an element; a member of the element.
///
/// Not in a list: `before` is its own kind of nowhere, so that no flag is needed, and an element
/// that is inserted twice or removed twice is noticed.
template <typename Index>
class ListLinks {
 public:
  bool linked() const { return before_ != unlinked; }

 private:
  template <typename I, typename Element, ListLinks<I> Element::*links>
  friend class IntrusiveList;

  static constexpr Index nowhere{0xffffffff};   // beyond either end
  static constexpr Index unlinked{0xfffffffe};  // in no list

  Index before_ = unlinked;
  Index after_ = unlinked;
};

/// Elements are inserted, removed and looked up in constant time, without memory of their own. They
/// may stand in a vector that grows: only numbers are kept. What each method is given as `pool` is
/// anything that has an element for each number; always the same one for a list.
///
/// Index: an integer of 32 bits, or an enumeration of such. The two highest values are no elements.
template <typename Index, typename Element, ListLinks<Index> Element::*links>
class IntrusiveList {
 public:
  static constexpr Index none = ListLinks<Index>::nowhere;

  bool empty() const { return first_ == none; }
  std::size_t size() const { return size_; }

  /// none: there is none.
  Index first() const { return first_; }
  Index last() const { return last_; }

  /// The neighbours of an element of this list; none beyond either end.
  template <typename Pool>
  static Index after(const Pool& pool, Index index) {
    assert((pool[index].*links).linked());
    return (pool[index].*links).after_;
  }
  template <typename Pool>
  static Index before(const Pool& pool, Index index) {
    assert((pool[index].*links).linked());
    return (pool[index].*links).before_;
  }

  template <typename Pool>
  void push_back(Pool& pool, Index index) {
    insert_after(pool, last_, index);
  }

  /// `before`: an element of this list, or none to insert at the front.
  template <typename Pool>
  void insert_after(Pool& pool, Index before, Index index) {
    ListLinks<Index>& fresh = pool[index].*links;
    assert(index < ListLinks<Index>::unlinked);
    assert(!fresh.linked() && "inserted twice");
    assert(before == none || (pool[before].*links).linked());
    Index& next = before == none ? first_ : (pool[before].*links).after_;
    fresh.before_ = before;
    fresh.after_ = next;
    next = index;
    (fresh.after_ == none ? last_ : (pool[fresh.after_].*links).before_) = index;
    ++size_;
  }

  template <typename Pool>
  void remove(Pool& pool, Index index) {
    ListLinks<Index>& gone = pool[index].*links;
    assert(gone.linked() && size_ > 0 && "not in a list");
    Index& from_before = gone.before_ == none ? first_ : (pool[gone.before_].*links).after_;
    Index& from_after = gone.after_ == none ? last_ : (pool[gone.after_].*links).before_;
    assert(from_before == index && from_after == index && "in another list");
    from_before = gone.after_;
    from_after = gone.before_;
    gone = {};
    --size_;
  }

 private:
  Index first_ = none;
  Index last_ = none;
  std::size_t size_ = 0;
};

}  // namespace postoffice
