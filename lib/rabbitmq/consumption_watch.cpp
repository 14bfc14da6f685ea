#include "rabbitmq/consumption_watch.hpp"

#include <cassert>

namespace postoffice::rabbitmq {
namespace {

constexpr auto question_every = std::chrono::seconds(2);
constexpr int answers_believed = 2;
constexpr int answers_awaited = 3;

// Publishers tick several times a second.
constexpr auto silence_max = std::chrono::seconds(4);

}  // namespace

void ConsumptionWatch::begin(SteadyTime now) {
  next_question_ = now + question_every;
  asked_ = answered_ = last_ = 0;
  unanswered_ = forgotten_ = 0;
}

ConsumptionWatch::Inquiry ConsumptionWatch::check(SteadyTime now, bool may_be_silent) {
  assert(now >= next_question_);
  Inquiry inquiry;
  next_question_ = now + question_every;
  ++unanswered_;
  inquiry.ask = unanswered_ == 1;
  if (unanswered_ > answers_awaited) {
    inquiry.give_up = "the queue does not answer";
  } else if (!may_be_silent && now > delivered_ + silence_max) {
    inquiry.give_up = "the queue delivers nothing any more";
  }
  return inquiry;
}

ConsumptionWatch::Verdict ConsumptionWatch::answered(std::uint32_t consumers) {
  Verdict verdict;
  verdict.was_last = ++answered_ == last_;
  unanswered_ = 0;
  forgotten_ = consumers == 0 ? forgotten_ + 1 : 0;
  if (forgotten_ >= answers_believed) verdict.give_up = "the queue has forgotten its consumer";
  return verdict;
}

}  // namespace postoffice::rabbitmq
