#include "rabbitmq/gap_watch.hpp"

#include <algorithm>

namespace postoffice::rabbitmq {
namespace {

// Each start of a publisher adds a line.
constexpr std::size_t lines_max = 256;

/// The first number that must still come after this message.
std::uint64_t from_here(const PlaceInLine& place, bool callback) {
  return callback ? place.number : place.number + 1;
}

}  // namespace

void GapWatch::begin_channel() {
  doubtful_ = 0;
  // What is still in doubt will never be known.
  std::erase_if(lines_, [](const Line& line) { return line.silent; });
  for (Line& line : lines_) {
    advance(line, line.doubtful_until);
    line.sure = line.sure && !line.unproven;
    line.earlier = line.silent = line.unproven = true;
    line.doubtful_until = 0;
  }
}

/// All before `next` are accounted for.
void GapWatch::advance(Line& line, std::uint64_t next) {
  if (next <= line.next) return;
  line.next = next;
  std::erase_if(line.here, [next](ConfirmedRange& piece) {
    piece.first = std::max(piece.first, next);
    return piece.empty();
  });
}

void GapWatch::nobody_between() {
  missing_ += doubtful_;
  doubtful_ = 0;
  for (Line& line : lines_) {
    if (!line.earlier) continue;
    line.silent = line.unproven = false;
    line.doubtful_until = 0;
  }
}

GapWatch::Line* GapWatch::find(std::uint64_t publisher, std::uint64_t session) {
  const auto at = std::find_if(lines_.rbegin(), lines_.rend(), [&](const Line& line) {
    return line.session == session && line.publisher == publisher;
  });
  return at == lines_.rend() ? nullptr : &*at;
}

GapWatch::Line& GapWatch::begin(std::uint64_t publisher, std::uint64_t session,
                                const PlaceInLine& place, bool callback) {
  if (lines_.size() == lines_max) lines_.erase(lines_.begin());
  const auto from = from_here(place, callback);
  return lines_.emplace_back(Line{publisher, session, place.now.first, from, from});
}

void GapWatch::hear(std::uint64_t publisher, std::uint64_t session, const PlaceInLine& place,
                    bool callback, bool redelivered) {
  Line* const known = find(publisher, session);
  Line& line = known != nullptr ? *known : begin(publisher, session, place, callback);
  if (callback && redelivered && line.silent && has_come(line, place.number)) nobody_between();
  if (place.now.first < line.range)
    return;  // overtaken by a later connection, so it was not confirmed
  const auto from = from_here(place, callback);
  if (line.silent) begin_again(line, from);
  if (place.now.first > line.range) {
    if (!line.sure || line.unproven) begin_again(line, from);
    line.range = place.now.first;
  }
  if (callback) add_number(line, place.number);
  judge(line, place.before);
  judge(line, place.now);
}

/// What is ahead of `from` may have come to another consumer.
void GapWatch::begin_again(Line& line, std::uint64_t from) {
  line.silent = false;
  line.begun = from;
  if (line.sure && line.unproven) {
    line.doubtful_until = std::max(line.doubtful_until, from);
  } else {
    advance(line, from);
  }
}

bool GapWatch::has_come(const Line& line, std::uint64_t number) {
  const auto in = [number](const ConfirmedRange& range) {
    return range.first <= number && number <= range.last;
  };
  return in(line.newest) || std::any_of(line.here.begin(), line.here.end(), in);
}

void GapWatch::add_number(Line& line, std::uint64_t number) {
  if (number < line.next) return;
  auto& here = line.here;
  const auto at = std::find_if(here.rbegin(), here.rend(), [&](const ConfirmedRange& piece) {
                    return piece.first <= number;
                  }).base();
  if (at != here.begin()) {
    auto& piece = *(at - 1);
    if (number <= piece.last) return;
    if (number == piece.last + 1) {
      piece.last = number;
      return;
    }
  }
  here.insert(at, {number, number});
}

void GapWatch::judge(Line& line, const ConfirmedRange& confirmed) {
  if (confirmed.last < line.next || confirmed.empty()) return;
  auto at = std::max(line.next, confirmed.first);
  for (const ConfirmedRange& piece : line.here) {
    if (piece.last < at) continue;
    if (piece.first > confirmed.last) break;
    if (piece.first > at) miss(line, at, piece.first - 1);
    at = piece.last + 1;
    if (std::min(piece.last, confirmed.last) >= line.begun) {
      line.sure = true;
      line.unproven = false;
    }
    line.newest = {piece.first == line.newest.last + 1 ? line.newest.first : piece.first,
                   std::min(piece.last, confirmed.last)};
  }
  if (at <= confirmed.last) miss(line, at, confirmed.last);
  advance(line, confirmed.last + 1);
}

void GapWatch::miss(const Line& line, std::uint64_t first, std::uint64_t last) {
  const auto doubtful_end = std::clamp(line.doubtful_until, first, last + 1);
  doubtful_ += doubtful_end - first;
  missing_ += last + 1 - doubtful_end;
}

}  // namespace postoffice::rabbitmq
