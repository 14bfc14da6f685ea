// One connection to the broker: set up with rabbitmq-c, then read and written without blocking.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rabbitmq/amqp_url.hpp"
#include "rabbitmq/frame_sink.hpp"
#include "rabbitmq/frames.hpp"
#include "rabbitmq/tls_tunnel.hpp"

struct amqp_connection_state_t_;
struct amqp_frame_t_;
struct amqp_socket_t_;

namespace postoffice::rabbitmq {

/// What exists at the broker and is taken as it is. Kept over connections: those that follow only
/// look whether it is still there, since the broker logs each attempt to declare it otherwise.
struct ExistingQueues {
  std::set<std::string> names;
  std::vector<std::string> notes;  ///< a sentence for each difference that somebody should know
};

/// Everything but abort() belongs to one thread. `reason` gets a sentence for people, without the
/// password, whenever something returns false.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // Setting up: each blocks for a second or two at most.
  bool open(const Address& address, std::chrono::seconds heartbeat, std::string& reason);
  /// What is missing is declared, what exists is taken as it is, unless its kind cannot work:
  /// lib/rabbitmq/declare.cpp.
  bool declare(const std::string& prefix, const std::vector<std::string>& queues,
               ExistingQueues& taken, std::string& reason);
  bool confirm_publishing(std::string& reason);
  bool consume(const std::string& queue, int prefetch, std::string& reason);

  /// Ends all waiting for the broker, from any thread: whatever is called from here on fails.
  void abort();

  // Working. Nothing blocks.
  int socket() const { return socket_; }
  std::size_t frame_max() const { return frame_max_; }
  Buffer& out() { return out_; }  ///< append here what is to be sent
  std::size_t unsent() const { return out_.size() - sent_; }
  bool send(SteadyTime now, std::string& reason);
  bool receive(FrameSink& sink, SteadyTime now, std::string& reason);

  /// Sends heartbeats, and notices that none come. `next` gets earlier if this must be called
  /// again before it.
  bool tend(SteadyTime now, SteadyTime& next, std::string& reason);

 private:
  enum class Content { none, delivery, returned };

  bool ready(std::string& reason) const;
  bool connect(const Address& address, std::string& reason);
  bool connect_plain(amqp_socket_t_* socket, const Address& address, std::string& reason);
  bool connect_tls(amqp_socket_t_* socket, const Address& address, std::string& reason);
  bool check(const char* what, std::string& reason);
  bool open_channel(std::string& reason);
  bool reopen_channel(std::string& reason);
  bool exists(const std::string& queue, std::string& reason);
  bool declare_exchange(const std::string& dead, std::string& reason);
  bool declare_queue(const std::string& queue, const std::string& dead, ExistingQueues& taken,
                     std::string& reason);
  bool take_unseen(const std::string& queue, const std::string& words, ExistingQueues& taken,
                   std::string& reason);
  bool bind_dead(const std::string& dead, ExistingQueues& taken, std::string& reason);
  bool passive_exchange(const std::string& name, std::string& reason);
  /// Of the last call: 0 if all is well, -1 without an answer, else the broker's code. `words` are
  /// then the broker's own, or the library's.
  int reply_code(std::string& words) const;
  std::string with_tls_words(std::string reason) const;
  bool drain_library(FrameSink& sink, std::string& reason);
  bool take_input(FrameSink& sink, Bytes input, std::string& reason);
  bool take(FrameSink& sink, const amqp_frame_t_& frame, std::string& reason);
  bool take_method(FrameSink& sink, const amqp_frame_t_& frame, std::string& reason);
  void begin_body(FrameSink& sink, const amqp_frame_t_& frame);
  void take_body(FrameSink& sink, Bytes piece);
  void skip_body(FrameSink& sink, Bytes piece);
  void finish_content(FrameSink& sink, Bytes body);

  std::optional<TlsTunnel> tunnel_;
  amqp_connection_state_t_* state_ = nullptr;
  std::mutex abort_mutex_;  // socket and tunnel are not to go while abort() uses them
  bool aborted_ = false;
  int socket_ = -1;
  std::size_t frame_max_ = 4096;
  bool library_drained_ = false;

  Buffer out_;
  std::size_t sent_ = 0;
  std::vector<char> in_;

  std::chrono::seconds heartbeat_{0};
  SteadyTime heard_{};
  SteadyTime spoke_{};

  Content content_ = Content::none;  // what the frames to come belong to
  std::uint64_t tag_ = 0;
  bool redelivered_ = false;
  std::string label_;
  std::uint64_t body_size_ = 0;
  std::uint64_t to_skip_ = 0;  // of a body that is too large
  Buffer body_;
};

}  // namespace postoffice::rabbitmq
