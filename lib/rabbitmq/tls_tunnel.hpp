// TLS to the broker, for a library that wants a plain socket.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "rabbitmq/amqp_url.hpp"

namespace postoffice::rabbitmq {

/// False: there was no OpenSSL to build with, and open() fails.
bool tls_is_built_in();

/// Reads the files as open() would. If they are of no use, `reason` says why.
bool files_are_usable(const Tls& tls, std::string& reason);

/// Carries bytes between the broker and a local socket, on a thread of its own, and closes both
/// when either ends. In each direction it holds one piece at a time: who takes nothing holds up who
/// sends.
class TlsTunnel {
 public:
  TlsTunnel();
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;
  ~TlsTunnel();

  /// Connects, and makes sure that it is the broker that answers, on the calling thread. Returns
  /// the plain end, which then belongs to the caller, or -1, and `reason` says why. `limit` is for
  /// connecting and for the handshake together; finding the host's address is not limited.
  int open(const Address& address, std::chrono::milliseconds limit, std::string& reason);

  /// From any thread: open() fails, or the plain end comes to its end.
  void abort();

  /// Why the broker ended the session, in its own words if it sent an alert; from any thread.
  std::string last_words() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice::rabbitmq
