// The sender: a callback on every beat, each sent once.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include "options.hpp"
#include "record.hpp"
#include "sender_connection.hpp"

namespace tester {

/// Sends without waiting for earlier callbacks, so a slow receiver does not lower the rate.
class Sender {
 public:
  /// Throws std::invalid_argument if the target is not valid, std::runtime_error if its host cannot
  /// be looked up.
  Sender(asio::io_context& context, const Options& options, Totals& totals, Record& record);

  /// Calls `finished` once nothing more will be sent and every callback sent has ended.
  void start(std::function<void()> finished);

  /// Sends nothing more.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void beat();
  std::shared_ptr<Post> make_post();
  void send(std::shared_ptr<Post> post);
  void ended(SenderConnection& connection, int status, const std::string& receipt, bool reusable);
  void finish(Post& post, int status, const std::string& receipt, bool timed_out);
  void tell(const Post& post, const std::string& outcome) const;
  void watch_timeouts();
  void check_finished();

  asio::io_context& context_;
  const Options& options_;
  Totals& totals_;
  Record& record_;
  std::mt19937_64 random_;
  std::string head_;  // of every request, up to the value of Content-Length
  SenderConnection::Endpoints endpoints_;
  asio::steady_timer beat_timer_;
  asio::steady_timer timeout_timer_;
  Clock::time_point started_{};
  std::uint64_t made_ = 0;
  bool over_ = false;
  std::function<void()> finished_;
  std::deque<std::shared_ptr<Post>> unfinished_;  // oldest first; some at its end may be done
  std::deque<std::shared_ptr<Post>> waiting_;     // for a connection
  std::unordered_set<std::shared_ptr<SenderConnection>> connections_;
  std::vector<std::shared_ptr<SenderConnection>> idle_;
};

}  // namespace tester
