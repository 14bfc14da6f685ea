// How one queue is declared: what is missing is made, what exists is taken as it is.
#pragma once

#include <string>
#include <vector>

#include "rabbitmq/arguments.hpp"

namespace postoffice::rabbitmq {

/// A state machine: it says what to ask the broker next, and is told the answer. No broker in here.
///
///   (known) look --found--> done
///           look --not found--> declare
///   declare --it is so--> done
///           --other arguments, which will do--> declare, with those
///           --other arguments, which cannot work--> failed
///           --no right to configure--> look_unseen --found--> done, else failed
///
/// The broker names one difference at a time, and closes the channel for it. Each is either one
/// that cannot work, or adopted before the next try, so this ends.
class QueueDeclaration {
 public:
  enum class Step { look, declare, look_unseen, done, failed };

  /// Messages that `queue` refuses go to the exchange `dead`; none if it is empty. `known`: it
  /// exists with other arguments, or cannot be declared, since the broker logs each attempt.
  QueueDeclaration(std::string queue, const std::string& dead, bool known);

  Step step() const { return step_; }
  bool goes_on() const { return step_ != Step::done && step_ != Step::failed; }
  const Arguments& arguments() const { return arguments_; }  ///< to declare it with

  /// `code` is 0, or the broker's, who has closed the channel then.
  void answer(int code, const std::string& words);

  bool known() const { return known_; }  ///< for the next time
  /// A sentence for each difference that somebody should know.
  const std::vector<std::string>& notes() const { return notes_; }
  const std::string& reason() const { return reason_; }  ///< why it failed

 private:
  static constexpr int tries_max = 16;

  void declared(int code, const std::string& words);
  bool adopt_difference(const std::string& words);
  void looked_unseen(int code);

  const std::string queue_;
  Arguments arguments_;
  Step step_;
  int tries_ = 0;
  bool known_;
  std::vector<std::string> notes_;
  std::string refusal_;
  std::string reason_;
};

}  // namespace postoffice::rabbitmq
