// One connection to the broker: set up with rabbitmq-c, then read and written without blocking.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "postoffice/result.hpp"
#include "rabbitmq/amqp_url.hpp"
#include "rabbitmq/channel.hpp"
#include "rabbitmq/frame_reader.hpp"
#include "rabbitmq/heartbeat.hpp"
#include "rabbitmq/send_buffer.hpp"
#include "rabbitmq/tls_tunnel.hpp"

struct amqp_connection_state_t_;
struct amqp_socket_t_;

namespace postoffice::rabbitmq {

/// Everything but abort() belongs to one thread. What failures say is for people, and without the
/// password.
class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Blocks for a few seconds at most, as do the calls of its channel.
  Failure open(const Address& address, std::chrono::seconds heartbeat);
  /// To set things up with, while nothing is sent or received.
  Channel& channel() { return *channel_; }

  /// Ends all waiting for the broker, from any thread: whatever is called from here on fails.
  void abort() EXCLUDES(abort_mutex_);

  // Working. Nothing blocks.
  int socket() const { return socket_; }
  std::size_t frame_max() const { return frame_max_; }
  Buffer& out() { return out_.end(); }  ///< append here what is to be sent
  std::size_t unsent() const { return out_.unsent().size(); }
  Failure send(SteadyTime now);
  Failure receive(FrameSink& sink, SteadyTime now);

  /// Sends heartbeats, and notices that none come. `next` gets earlier if this must be called
  /// again before it.
  Failure keep_alive(SteadyTime now, SteadyTime& next);

 private:
  Failure connect(const Address& address);
  Failure connect_plain(amqp_socket_t_* socket, const Address& address);
  Failure connect_tls(amqp_socket_t_* socket, const Address& address);
  Failure log_in(const Address& address, std::chrono::seconds heartbeat);
  Failure drain_library(FrameSink& sink);

  std::optional<TlsTunnel> tunnel_;
  amqp_connection_state_t_* state_ = nullptr;
  std::optional<Channel> channel_;
  Mutex abort_mutex_;  // socket and tunnel are not to go while abort() uses them
  bool aborted_ GUARDED_BY(abort_mutex_) = false;
  int socket_ = -1;  // as the tunnel: this thread's to read, and to change with the mutex

  std::size_t frame_max_ = 4096;
  bool library_drained_ = false;
  SendBuffer out_;
  std::vector<char> in_;
  Heartbeat heartbeat_;
  std::optional<FrameReader> reader_;
};

}  // namespace postoffice::rabbitmq
