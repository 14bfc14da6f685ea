#include "http/server/response_queue.hpp"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace postoffice::http {

void ResponseQueue::push(Exchange& exchange) {
  (last_ == nullptr ? first_ : last_->next) = &exchange;
  last_ = &exchange;
  ++unanswered_;
}

void ResponseQueue::answer(Exchange& exchange) {
  exchange.ready = true;
  if (unsent_.empty()) {
    progress_ = context_.now;
    context_.send_buffers.lend(unsent_);
  }
  while (first_ != nullptr && first_->ready) {
    Exchange& done = *first_;
    unsent_ += done.text;
    first_ = done.next;
    if (first_ == nullptr) last_ = nullptr;
    done.connection = nullptr;
    assert(unanswered_ > 0);
    --unanswered_;
    context_.service.release(done);
  }
}

ResponseQueue::Send ResponseQueue::send(int socket) {
  while (sent_ < unsent_.size()) {
    const ssize_t count =
        ::send(socket, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK ? Send::some : Send::failed;
    }
    sent_ += static_cast<std::size_t>(count);
    progress_ = context_.now;
  }
  sent_ = 0;
  context_.send_buffers.take_back(unsent_);
  return Send::all;
}

void ResponseQueue::abandon() {
  while (first_ != nullptr) {
    Exchange& abandoned = *std::exchange(first_, first_->next);
    abandoned.connection = nullptr;
    abandoned.ready = false;
    context_.service.release(abandoned);
  }
  last_ = nullptr;
}

}  // namespace postoffice::http
