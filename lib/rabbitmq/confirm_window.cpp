#include "rabbitmq/confirm_window.hpp"

#include <algorithm>
#include <utility>

#include "base/checked_count.hpp"
#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {

void ConfirmWindow::add(Sent sent) {
  const auto slot = first_slot_ + slots_.size();
  for (std::uint32_t i = 0; i < sent.messages; ++i) messages_.push_back({slot, false});
  const auto messages = sent.messages;
  slots_.push_back({std::move(sent), messages, false});
}

void ConfirmWindow::confirm(std::uint64_t tag, bool multiple, std::vector<Ended>& ended) {
  answer(tag, multiple, false, ended);
}

void ConfirmWindow::nack(std::uint64_t tag, bool multiple, std::vector<Ended>& ended) {
  answer(tag, multiple, true, ended);
}

void ConfirmWindow::answer(std::uint64_t tag, bool multiple, bool nacked,
                           std::vector<Ended>& ended) {
  const auto end_tag = first_tag_ + messages_.size();
  if (multiple && tag == 0) tag = end_tag - 1;  // all there are
  if (tag < first_tag_ || tag >= end_tag) return;
  auto place = static_cast<std::ptrdiff_t>(multiple ? 0 : tag - first_tag_);
  const auto last = static_cast<std::ptrdiff_t>(tag - first_tag_);
  for (; place <= last; ++place) answer(messages_[static_cast<std::size_t>(place)], nacked, ended);
  drop_answered();
}

void ConfirmWindow::answer(Message& message, bool nacked, std::vector<Ended>& ended) {
  if (std::exchange(message.answered, true)) return;
  Slot& slot = slots_[message.slot - first_slot_];
  count_down(slot.missing);
  if (nacked) return end(slot, Error::not_durable, true, ended);
  ++confirmed_;
  if (slot.missing == 0) end(slot, {}, false, ended);
}

void ConfirmWindow::end(Slot& slot, std::error_code error, bool nacked, std::vector<Ended>& ended) {
  if (std::exchange(slot.ended, true)) return;
  // The sequence stays: returned() searches for it.
  ended.push_back({{slot.sent.kind, slot.sent.sequence, slot.sent.stamp, slot.sent.ids,
                    slot.sent.messages, slot.sent.due, std::exchange(slot.sent.done, nullptr)},
                   error,
                   nacked});
}

void ConfirmWindow::drop_answered() {
  while (!messages_.empty() && messages_.front().answered) {
    messages_.pop_front();
    ++first_tag_;
  }
  while (!slots_.empty() && slots_.front().missing == 0) {
    slots_.pop_front();
    ++first_slot_;
  }
  due_from_ = std::max(due_from_, first_slot_);
}

void ConfirmWindow::returned(Sequence sequence, std::vector<Ended>& ended) {
  auto slot =
      std::lower_bound(slots_.begin(), slots_.end(), sequence,
                       [](const Slot& at, Sequence wanted) { return at.sent.sequence < wanted; });
  for (; slot != slots_.end() && slot->sent.sequence == sequence; ++slot) {
    end(*slot, Error::not_durable, false, ended);
  }
}

void ConfirmWindow::overdue(SteadyTime now, std::vector<Ended>& ended) {
  for (; due_from_ < first_slot_ + slots_.size(); ++due_from_) {
    Slot& slot = slots_[due_from_ - first_slot_];
    if (!slot.ended && slot.sent.due > now) return;
    end(slot, Error::not_durable, false, ended);
  }
}

ConfirmWindow::SteadyTime ConfirmWindow::next_due() const {
  for (auto at = due_from_; at < first_slot_ + slots_.size(); ++at) {
    const Slot& slot = slots_[at - first_slot_];
    if (!slot.ended) return slot.sent.due;
  }
  return SteadyTime::max();
}

void ConfirmWindow::fail_all(std::error_code error, std::vector<Ended>& ended) {
  for (Slot& slot : slots_) end(slot, error, false, ended);
  first_slot_ += slots_.size();
  due_from_ = first_slot_;
  slots_.clear();
  messages_.clear();
  first_tag_ = 1;
}

}  // namespace postoffice::rabbitmq
