// The channel of a connection while it is set up: calls that wait for their answer.
#pragma once

#include <string>

#include "rabbitmq/arguments.hpp"
#include "rabbitmq/tls_tunnel.hpp"

struct amqp_connection_state_t_;

namespace postoffice::rabbitmq {

/// Each call blocks for two seconds at most, and returns 0, the broker's code for why it closed the
/// channel, or no_answer. `words` are then the broker's own, or the library's.
class Channel {
 public:
  static constexpr int no_answer = -1;

  /// `tunnel`: what the connection goes through, or null. Both outlive it.
  Channel(amqp_connection_state_t_* state, const TlsTunnel* tunnel)
      : state_(state), tunnel_(tunnel) {}

  int look_for_exchange(const std::string& name, std::string& words);
  int declare_exchange(const std::string& name, std::string& words);
  int look_for_queue(const std::string& name, std::string& words);
  int declare_queue(const std::string& name, const Arguments& arguments, std::string& words);
  int bind_queue(const std::string& name, const std::string& exchange, std::string& words);

  // These say why not by themselves.
  bool open(std::string& reason);
  /// The broker has closed it, for something that is not an error here.
  bool reopen(std::string& reason);
  bool confirm_publishing(std::string& reason);
  bool consume(const std::string& queue, int prefetch, std::string& reason);

  /// With TLS 1.3 the broker judges our certificate only after the handshake: its alert comes when
  /// something is read for the first time, to the tunnel.
  std::string with_tls_words(std::string words) const;

 private:
  int last_code(std::string& words) const;
  bool check(const char* what, std::string& reason) const;

  amqp_connection_state_t_* const state_;
  const TlsTunnel* const tunnel_;
};

}  // namespace postoffice::rabbitmq
