// Callbacks over HTTP: POST {"object_ids":[1,2,3]}.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "postoffice/histogram.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"

namespace postoffice {

struct HttpIngressOptions {
  std::string listen = "localhost:9090";  ///< host:port, every address of the host; [::1]:9090 too
  std::string path = "/callback";
  std::size_t threads = 1;     ///< event loops, each with its own listening sockets
  std::vector<int> sockets{};  ///< listening sockets to use instead of binding; the ingress owns
                               ///< them from then on
  std::size_t body_bytes_max = 1 << 20;  ///< of a callback; a larger one is 413
  std::size_t ids_max = 10'000;          ///< of a callback; one with more is 413
  std::size_t connections_max = 10'000;
  std::chrono::milliseconds accept_timeout{
      800};  ///< answers 503 when the callback is not durable by then
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds body_timeout{10'000};

  /// If set, the ingress answers `GET /readyz` too, for load balancers that check no other port:
  /// 200, or 503 with the reason that this function returns (empty: ready). Called on the ingress's
  /// threads; must not block.
  std::function<std::string()> not_ready{};

  /// If set, the answer to a callback that was not stored contains this text, if it is not empty:
  /// the queue's own reason, which its error code does not carry. Called as not_ready is.
  std::function<std::string()> why_not{};
};

/// Counters since the start, by HTTP status.
struct HttpIngressStatus {
  bool listening = false;         ///< from start() to stop()
  std::uint64_t connections = 0;  ///< open now
  std::uint64_t connections_max = 0;
  /// A new sender is not answered at present: connections_max is reached, or the system gives no
  /// further connection.
  bool full = false;
  std::uint64_t accepted = 0;   ///< 202
  std::uint64_t malformed = 0;  ///< 400
  std::uint64_t refused = 0;    ///< 503
  std::uint64_t other = 0;      ///< any other refusal: 404, 405, 408, 413, …

  /// Responses by status and reason, a word of a fixed set. Lists every pair that can be, also with
  /// a count of 0.
  struct Responses {
    int status = 0;
    const char* reason = "";
    std::uint64_t count = 0;
  };
  std::vector<Responses> responses{};

  /// From the last byte of a callback to its answer, both as the kernel has them, whatever the
  /// answer.
  Histogram durations{};
};

/// Answers 202 with `Postoffice-Receipt` once the callback is durable. Runs its own threads.
///
/// Lifetime: stop() may be called on any thread, again, and inside everything the ingress calls;
/// each `done` is called once: on a thread of the ingress, or before stop() returns if everything
/// has ended already. The destructor may run at any time, without a stop or during one, on any
/// thread and inside everything the ingress calls, `done` included. It closes the connections, even
/// with unanswered callbacks; it calls each remaining `done` before it returns, and nothing after
/// that. So do not hold a lock during it that one of these functions takes. The completions given
/// to `accept` may be called long afterwards. The ingress needs no other part.
class HttpIngress final : public Ingress {
 public:
  /// Throws std::invalid_argument if `listen` cannot be parsed.
  explicit HttpIngress(HttpIngressOptions options, Log log = {});
  ~HttpIngress() override;

  /// Binds and listens. Errors: the system's (address in use, no such host); Error::stopped.
  std::error_code start(Accept accept) override;

  /// Closes the listening sockets and idle connections, finishes the requests being handled.
  void stop(StopDone done) override;

  /// The port in use once started; tests listen on port 0.
  std::uint16_t port() const;

  /// May be called from any thread, also before start().
  HttpIngressStatus status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
