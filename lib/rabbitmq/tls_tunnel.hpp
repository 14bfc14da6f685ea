// TLS to the broker, for a library that wants a plain socket.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "postoffice/result.hpp"
#include "rabbitmq/amqp_url.hpp"

namespace postoffice::rabbitmq {

/// False if this was built without OpenSSL: then open() fails.
bool tls_is_built_in();

/// Reads the files as open() would, and fails if they cannot be used.
Failure check_files(const Tls& tls);

/// Carries bytes between the broker and a local socket, on a thread of its own, and closes both
/// when either ends. It holds one piece at a time in each direction, so a side that does not
/// read holds up the other.
class TlsTunnel {
 public:
  TlsTunnel();
  TlsTunnel(const TlsTunnel&) = delete;
  TlsTunnel& operator=(const TlsTunnel&) = delete;
  ~TlsTunnel();

  /// Connects and verifies the broker, on the calling thread. Returns the plain end, which then
  /// belongs to the caller. `limit` covers connecting and handshake together; looking up the host's
  /// address is not limited.
  Result<int> open(const Address& address, std::chrono::milliseconds limit);

  /// From any thread: makes open() fail, or closes the plain end.
  void abort();

  /// Why the broker ended the session, in its own words, if it sent an alert; from any thread.
  std::string last_words() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice::rabbitmq
