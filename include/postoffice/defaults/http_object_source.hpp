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

/// Whether a connection serves more than one fetch.
enum class SourceKeepAlive {
  automatic,  ///< yes, unless kept connections are found to make others wait for a worker of the
              ///< source
  always,
  never,
};

struct HttpObjectSourceOptions {
  std::string url = "http://localhost:9010/objects/{id}";  ///< {id} is replaced by the decimal id
  std::size_t connections_max = 1024;
  std::size_t connecting_max = 256;  ///< connection attempts in flight (accept queues are short)
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds idle_timeout{30'000};  ///< a connection unused for this long is closed
  std::chrono::milliseconds resolve_every{30'000};
  SourceKeepAlive keep_alive = SourceKeepAlive::automatic;
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t body_bytes_max = 64 * 1024;
};

struct HttpObjectSourceStatus {
  std::uint64_t connections = 0;
  std::uint64_t connections_max = 0;
  std::uint64_t connecting = 0;
  std::uint64_t idle = 0;
  bool keeping = true;  ///< at present connections serve more than one fetch

  /// Answers that were refused, by reason; lists every reason, also with a count of 0.
  struct Refused {
    const char* reason = "";
    std::uint64_t count = 0;
  };
  std::vector<Refused> refused;
  std::uint64_t refused_in_a_row = 0;
  std::string only_refused;  ///< not empty: every answer is refused at present; why the newest one
                             ///< was, for people
};

/// An HTTP/1.1 client with a keep-alive pool. 200 and 203 are an answer, 404 and 410 are
/// Error::not_found, everything else fails (S7). No redirects, no proxies.
///
/// Threads: fetch() and status() may be called from any thread; completions run on the loop's
/// thread.
///
/// Lifetime: the destructor is the stop. It may run on any thread, whether the loop runs or not,
/// also inside a completion. Unanswered fetches fail with Error::stopped, on that thread. No
/// completion runs after it has returned; one that runs before may call the source, and the call is
/// refused. So do not hold a lock during it that a completion takes. The loop must outlive the
/// source; all other parts may be destroyed before or after it.
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
