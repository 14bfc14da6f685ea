// The channel of a connection while it is set up: calls that wait for their answer.
#pragma once

#include <string>

#include "postoffice/result.hpp"
#include "rabbitmq/arguments.hpp"
#include "rabbitmq/tls_tunnel.hpp"

struct amqp_connection_state_t_;

namespace postoffice::rabbitmq {

/// The broker's own words for why it closed the channel, or the library's.
struct [[nodiscard]] ChannelFailure : Failure {
  static constexpr int no_answer = -1;

  int reply_code = 0;  ///< the broker's, or no_answer
};

/// Each call blocks for two seconds at most.
class Channel {
 public:
  /// `tunnel`: what the connection goes through, or null. Both outlive it.
  Channel(amqp_connection_state_t_* state, const TlsTunnel* tunnel)
      : state_(state), tunnel_(tunnel) {}

  ChannelFailure look_for_exchange(const std::string& name);
  ChannelFailure declare_exchange(const std::string& name);
  ChannelFailure look_for_queue(const std::string& name);
  ChannelFailure declare_queue(const std::string& name, const Arguments& arguments);
  ChannelFailure bind_queue(const std::string& name, const std::string& exchange);

  // The failures of these also say what was tried.
  Failure open();
  /// The broker has closed it, for something that is not an error here.
  Failure reopen();
  Failure confirm_publishing();
  Failure consume(const std::string& queue, int prefetch);

  /// With TLS 1.3 the broker judges our certificate only after the handshake: its alert comes when
  /// something is read for the first time, to the tunnel.
  std::string with_tls_words(std::string words) const;

 private:
  ChannelFailure last_failure() const;
  Failure last_failure(const char* what) const;

  amqp_connection_state_t_* const state_;
  const TlsTunnel* const tunnel_;
};

}  // namespace postoffice::rabbitmq
