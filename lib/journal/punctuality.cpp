#include "journal/punctuality.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <utility>

namespace postoffice::journal {

void Punctuality::append_waits(Time now) {
  assert(!open_since_);
  open_since_ = now;
}

void Punctuality::flush_begins() {
  assert(open_since_ && !flushing_since_);
  flushing_since_ = std::exchange(open_since_, {});
}

void Punctuality::probe_begins(Time now) {
  assert(!flushing_since_);
  flushing_since_ = now;
}

void Punctuality::flush_ended(bool good, Time now) {
  const auto age = overdue_for(now);
  const bool late = age > std::chrono::microseconds{};
  if (late) {
    ++times_late_;
    latest_ = age;
  }
  if (!good) return;
  last_flushed_ = now;
  if (!late) overdue_ = false;
}

std::string Punctuality::describe_latest() const {
  char text[64];
  std::snprintf(text, sizeof text, "a flush took %.1f s",
                std::chrono::duration<double>(latest_).count());
  return text;
}

void Punctuality::cursor_ended(bool stored, Time now) {
  assert(cursor_since_);
  const bool late = overdue_for(now) > std::chrono::microseconds{};
  cursor_since_.reset();
  if (stored && !late) overdue_ = false;
}

std::chrono::microseconds Punctuality::overdue_for(Time now) {
  Time oldest = now;
  for (const auto& since : {open_since_, flushing_since_}) {
    if (since) oldest = std::min(oldest, *since);
  }
  // A cursor may wait for things other than the disk, so appends that are in time outweigh it.
  if (cursor_since_ && last_flushed_ < *cursor_since_) oldest = std::min(oldest, *cursor_since_);
  const auto age = std::chrono::duration_cast<std::chrono::microseconds>(now - oldest);
  if (age <= limit) return {};
  overdue_ = true;
  return age;
}

}  // namespace postoffice::journal
