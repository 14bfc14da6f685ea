// Notices callbacks that the broker had confirmed to their publisher, and that never come out of
// the shard: a policy dropped them, or somebody purged or deleted the queue.
#pragma once

#include <cstdint>
#include <vector>

#include "rabbitmq/place_in_line.hpp"

namespace postoffice::rabbitmq {

/// Fed with the places of all messages of one shard as they come. No threads and no broker in here.
///
/// What holds, since a channel keeps its order, a shard is served to one consumer at a time, and
/// what that did not acknowledge comes again before anything else: *a number that was confirmed
/// when a message was sent comes ahead of it, to this consumer or to one before it.* So of a
/// session that is heard for the first time nothing ahead of that message is missed, and what
/// follows is this consumer's alone, until its channel ends.
///
/// Two things make this doubtful, and while they do nothing is said:
/// - When the channel ends another consumer may be served, and acknowledge. It was not if something
///   comes again that had come here, since acknowledgements are cumulative; or if somebody who
///   knows says so.
/// - A message whose fate was not known when its connection ended may come behind those of the
///   next. Heard first, it says nothing of what stands ahead of them. So a session must be *sure*
///   before it is judged by another range than the one it was first heard in: a number has come
///   that was confirmed, hence stands in its place.
class GapWatch {
 public:
  /// What was not acknowledged comes again, if nobody else is served meanwhile.
  void begin_channel();

  void hear(std::uint64_t publisher, std::uint64_t session, const PlaceInLine& place, bool callback,
            bool redelivered);

  /// Between the last two channels nobody else acknowledged anything.
  void nobody_between();

  std::uint64_t missing() const { return missing_; }
  /// More would be, but another consumer may have had them: worth asking.
  bool in_doubt() const { return doubtful_ != 0; }

 private:
  struct Line {  // one session of a publisher
    std::uint64_t publisher;
    std::uint64_t session;
    std::uint64_t range;                 // its first number, of the newest message heard
    std::uint64_t next;                  // all before it are accounted for
    std::uint64_t begun;                 // on this channel
    std::vector<ConfirmedRange> here{};  // have come, from `next` on: sorted
    ConfirmedRange newest{};             // … and before it: the last that came without a gap
    std::uint64_t doubtful_until = 0;
    bool sure = false;
    bool earlier = false;   // heard on a channel before this one
    bool silent = false;    // … and not on this one yet
    bool unproven = false;  // … between which another consumer may have been
  };

  Line* find(std::uint64_t publisher, std::uint64_t session);
  Line& begin(std::uint64_t publisher, std::uint64_t session, const PlaceInLine& place,
              bool callback);
  static bool has_come(const Line& line, std::uint64_t number);
  static void take(Line& line, std::uint64_t number);
  static void advance(Line& line, std::uint64_t next);
  static void begin_again(Line& line, std::uint64_t from);
  void judge(Line& line, const ConfirmedRange& confirmed);
  void miss(const Line& line, std::uint64_t first, std::uint64_t last);

  std::vector<Line> lines_;  // in the order in which they were heard first
  std::uint64_t missing_ = 0;
  std::uint64_t doubtful_ = 0;
};

}  // namespace postoffice::rabbitmq
