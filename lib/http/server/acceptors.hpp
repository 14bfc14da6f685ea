// The listening sockets of one loop; accepts connections from them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "http/server/connection_context.hpp"
#include "net/listening_socket.hpp"
#include "postoffice/log.hpp"

namespace postoffice::http {

/// Adds each accepted connection to the server's totals; the receiver of the connection subtracts
/// it at its end.
///
/// Threads: the loop's.
class Acceptors {
 public:
  using Adopt = std::function<void(int socket)>;

  Acceptors(ConnectionContext& context, Adopt adopt, Log log);
  ~Acceptors();
  Acceptors(const Acceptors&) = delete;
  Acceptors& operator=(const Acceptors&) = delete;

  std::error_code start(std::vector<net::ListeningSocket> sockets);
  /// Accepts no more, after accepting those that wait on sockets which this process closes.
  void stop();
  /// The same, without accepting those that wait.
  void close();

  /// Nothing is accepted until resume() finds room.
  bool paused() const { return paused_; }
  void resume();

 private:
  class Acceptor;

  bool accept_from(Acceptor& acceptor);
  void pause(const std::string& why);
  void set_paused(bool paused);
  std::error_code watch(Acceptor& acceptor);

  ConnectionContext& context_;
  const Adopt adopt_;
  const Log log_;
  std::vector<std::unique_ptr<Acceptor>> sockets_;
  ConnectionContext::Time pause_logged_;
  bool paused_ = false;
};

}  // namespace postoffice::http
