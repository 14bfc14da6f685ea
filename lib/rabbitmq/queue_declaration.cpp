#include "rabbitmq/queue_declaration.hpp"

#include <cassert>
#include <utility>

namespace postoffice::rabbitmq {
namespace {

constexpr int refused = 403;  // access
constexpr int differs = 406;  // precondition

}  // namespace

QueueDeclaration::QueueDeclaration(std::string queue, const std::string& dead, bool known)
    : queue_(std::move(queue)),
      arguments_(arguments_of(dead)),
      step_(known ? Step::look : Step::declare),
      known_(known) {}

void QueueDeclaration::answer(int code, const std::string& words) {
  assert(goes_on());
  if (step_ == Step::declare) return declared(code, words);
  if (step_ == Step::look_unseen) return looked_unseen(code);
  step_ = code == 0 ? Step::done : Step::declare;
  known_ = code == 0;
}

void QueueDeclaration::declared(int code, const std::string& words) {
  if (code == 0) {
    known_ = tries_ > 0;
    step_ = Step::done;
    return;
  }
  reason_ = "declaring the queue " + queue_ + ": " + words;
  if (code == refused) {
    refusal_ = words;
    step_ = Step::look_unseen;
  } else if (code != differs || ++tries_ == tries_max || !adopt_difference(words)) {
    step_ = Step::failed;
  }
}

bool QueueDeclaration::adopt_difference(const std::string& words) {
  const auto difference = difference_in(words);
  if (!difference || !adopt(*difference, arguments_)) return false;
  const auto note = note_of(*difference);
  if (!note.empty()) notes_.push_back(queue_ + ": " + note);
  return true;
}

/// Whoever has no right to configure may have had it done by somebody else.
void QueueDeclaration::looked_unseen(int code) {
  notes_.clear();
  known_ = code == 0;
  step_ = known_ ? Step::done : Step::failed;
  reason_ = "the queue " + queue_ +
            " does not exist, and the user has no right to configure it: " + refusal_;
}

}  // namespace postoffice::rabbitmq
