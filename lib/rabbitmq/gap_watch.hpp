// Notices callbacks that the broker had confirmed to their publisher, and that never come out of
// the shard: a policy dropped them, or somebody purged or deleted the queue.
#pragma once

#include <cstdint>
#include <vector>

#include "rabbitmq/place_in_line.hpp"

namespace postoffice::rabbitmq {

/// Hears the place of every message of one shard, in order. No threads and no broker in here.
///
/// A channel keeps its order, a shard has one active consumer at a time, and what that did not
/// acknowledge is delivered again before anything else. Therefore: *a number that was confirmed
/// when a message was sent is delivered before it, to this consumer or to an earlier one.* When a
/// session is heard for the first time, nothing before that message counts as missing; what follows
/// must come to this consumer, until its channel ends.
///
/// Two things make this doubtful, and while they last nothing is reported:
/// - After the channel has ended another consumer may have been served, and have acknowledged. It
///   was not if something is delivered again that had come here, since acknowledgements are
///   cumulative; or if somebody who knows says so (nobody_between()).
/// - A message whose fate was unknown when its connection ended may arrive after those of the next
///   connection. If it is heard first, it proves nothing about what is ahead of them. So before a
///   session is judged by a later range than the first one it must be *sure*: a number has come
///   that was confirmed, which is therefore in its right place.
class GapWatch {
 public:
  /// What was not acknowledged is delivered again, unless another consumer is served first.
  void begin_channel();

  void hear(std::uint64_t publisher, std::uint64_t session, const PlaceInLine& place, bool callback,
            bool redelivered);

  /// Between the last two channels nobody else acknowledged anything.
  void nobody_between();

  std::uint64_t missing() const { return missing_; }
  /// More are missing here, but another consumer may have had them: worth finding out.
  bool in_doubt() const { return doubtful_ != 0; }

 private:
  struct Line {  // one session of a publisher
    std::uint64_t publisher;
    std::uint64_t session;
    std::uint64_t range;                 // of the newest message heard: its first number
    std::uint64_t next;                  // all numbers before it are accounted for
    std::uint64_t begun;                 // on this channel
    std::vector<ConfirmedRange> here{};  // have come, from `next` on: sorted
    ConfirmedRange newest{};             // the last without a gap, before `next`
    std::uint64_t doubtful_until = 0;
    bool sure = false;
    bool earlier = false;   // heard on a channel before this one
    bool silent = false;    // not heard on this channel yet
    bool unproven = false;  // another consumer may have been served in between
  };

  Line* find(std::uint64_t publisher, std::uint64_t session);
  Line& begin(std::uint64_t publisher, std::uint64_t session, const PlaceInLine& place,
              bool callback);
  static bool has_come(const Line& line, std::uint64_t number);
  static void add_number(Line& line, std::uint64_t number);
  static void advance(Line& line, std::uint64_t next);
  static void begin_again(Line& line, std::uint64_t from);
  void judge(Line& line, const ConfirmedRange& confirmed);
  void miss(const Line& line, std::uint64_t first, std::uint64_t last);

  std::vector<Line> lines_;  // in the order in which they were heard first
  std::uint64_t missing_ = 0;
  std::uint64_t doubtful_ = 0;
};

}  // namespace postoffice::rabbitmq
