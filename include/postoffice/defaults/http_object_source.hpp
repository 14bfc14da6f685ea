// Objects over HTTP: GET http://host:port/objects/<id> → {"id":1,"online":true}.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice {

/// Whether a connection is used for more than one fetch.
enum class SourceKeepAlive {
  automatic,  ///< yes, unless kept connections are found to keep others waiting for a worker
  always,
  never,
};

struct HttpObjectSourceOptions {
  std::string url = "http://localhost:9010/objects/{id}";  ///< {id} is replaced by the decimal id
  std::size_t connections_max = 1024;
  std::size_t connecting_max = 256;  ///< connection attempts in flight (accept queues are short)
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds idle_timeout{30'000};  ///< a connection unused for this is closed
  std::chrono::milliseconds resolve_every{30'000};
  SourceKeepAlive keep_alive = SourceKeepAlive::automatic;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
};

struct HttpObjectSourceStatus {
  std::uint64_t connections = 0;
  std::uint64_t connecting = 0;
  std::uint64_t idle = 0;
  bool keeping = true;  ///< connections are used for more than one fetch, as it is now

  /// Answers that were refused, by reason; every reason there is, those never met included.
  struct Refused {
    const char* reason = "";
    std::uint64_t count = 0;
  };
  std::vector<Refused> refused;
  std::uint64_t refused_in_a_row = 0;
  std::string only_refused;  ///< not empty: nothing else comes; the newest one's fault, for people
};

/// An HTTP/1.1 client with a keep-alive pool. 200 and 203 are an answer, 404 and 410 are
/// Error::not_found, everything else fails (S7). No redirects, no proxies.
///
/// Threads: fetch() and status() from any thread; completions come on the loop's thread.
///
/// Lifetime: the destructor is the stop. It may run on any thread, while the loop runs or stands
/// still, also inside a completion. What is unanswered fails with Error::stopped, on that thread.
/// No completion runs any more when it returns; one that runs meanwhile may call the source, and is
/// refused. So hold no lock in it that one takes. The loop must outlive the source; all other parts
/// may go before or after it.
class HttpObjectSource final : public ObjectSource {
 public:
  /// Throws std::invalid_argument if the url cannot work (scheme, user info, no {id}).
  HttpObjectSource(EventLoop& loop, HttpObjectSourceOptions options, Log log = {});
  ~HttpObjectSource() override;

  void fetch(ObjectId id, std::chrono::milliseconds timeout, Done done) override;

  HttpObjectSourceStatus status() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
