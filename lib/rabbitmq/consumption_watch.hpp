// Whether a shard still serves its consumer: the broker does not always say when it stops.
#pragma once

#include <cstdint>

#include "rabbitmq/frame_sink.hpp"

namespace postoffice::rabbitmq {

/// Asks every two seconds how many consumers the queue has. A queue that was deleted and declared
/// again forgets its consumers, and does not always say so. Answers come in the order of the
/// questions. No threads, no broker and no clock in here.
class ConsumptionWatch {
 public:
  /// A new channel.
  void begin(SteadyTime now);

  /// The broker has delivered something.
  void delivered(SteadyTime now) { delivered_ = now; }

  struct Inquiry {
    bool ask = false;               ///< put a question
    const char* give_up = nullptr;  ///< why the channel is no good any more
  };
  /// When it is time for the next question. `may_be_silent`: nothing need be delivered now.
  Inquiry check(SteadyTime now, bool may_be_silent);

  void asked() { ++asked_; }  ///< a question was put
  /// … and it is the last one, behind the last acknowledgement.
  void asked_last() { last_ = ++asked_; }
  bool has_asked_last() const { return last_ != 0; }

  struct Verdict {
    bool was_last = false;  ///< the broker has heard of everything before it
    const char* give_up = nullptr;
  };
  Verdict answered(std::uint32_t consumers);

  SteadyTime next_question() const { return next_question_; }

 private:
  SteadyTime next_question_{};
  std::uint64_t asked_ = 0;  // on this channel
  std::uint64_t answered_ = 0;
  std::uint64_t last_ = 0;  // the question behind the last acknowledgement
  int unanswered_ = 0;      // rounds in a row
  int forgotten_ = 0;       // answers in a row that knew of no consumer
  SteadyTime delivered_{};
};

}  // namespace postoffice::rabbitmq
