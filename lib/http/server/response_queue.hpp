// The answers of one connection: given in any order, sent in the order of the requests.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "http/server/connection_context.hpp"

namespace postoffice::http {

class ResponseQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ResponseQueue(ConnectionContext& context) : context_(context) {}
  ResponseQueue(const ResponseQueue&) = delete;
  ResponseQueue& operator=(const ResponseQueue&) = delete;

  /// Adds it after those under way.
  void push(Exchange& exchange);
  bool is_last(const Exchange& exchange) const { return &exchange == last_; }
  /// Every request was answered; not all answers need have been sent.
  bool all_answered() const { return first_ == nullptr; }
  std::size_t unanswered() const { return unanswered_; }

  /// `exchange.text` is complete. Every answer whose turn it now is can be sent, and its exchange
  /// is released.
  void answer(Exchange& exchange);

  enum class Send { all, some, failed };
  /// Writes as much as the socket takes.
  Send send(int socket);
  bool all_sent() const { return unsent_.empty(); }
  std::size_t unsent() const { return unsent_.size() - sent_; }
  /// When the client last took something of what is being sent.
  Time progress() const { return progress_; }

  /// Releases the exchanges under way, unanswered.
  void abandon();

 private:
  ConnectionContext& context_;
  Exchange* first_ = nullptr;  // those under way, oldest first
  Exchange* last_ = nullptr;
  std::size_t unanswered_ = 0;
  std::string unsent_;
  std::size_t sent_ = 0;  // of `unsent_`
  Time progress_;
};

}  // namespace postoffice::http
