// The simplest way to embed: the whole service in one object. Component postoffice::office.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "postoffice/log.hpp"
#include "postoffice/options.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/result.hpp"
#include "postoffice/store_status.hpp"

namespace postoffice {

struct OfficeOptions {
  std::string listen = "localhost:9090";  ///< host:port, where callbacks are POSTed to /callback
  std::string data_dir = "postoffice";    ///< created if missing; used by one office at a time
  std::string source = "http://localhost:9010/objects/{id}";  ///< {id} is replaced
  /// Where objects are stored: sqlite:PATH, or a conninfo of PostgreSQL (postgresql://… or
  /// key=value pairs), whose tables no other queue may then share. Empty: objects.db in data_dir.
  std::string store{};
  std::chrono::milliseconds ttl{30'000};  ///< rows are deleted when nothing was received for longer
  Keep keep = Keep::all;
  std::size_t fetch_concurrency = 1024;
  std::chrono::milliseconds drain_limit{5'000};  ///< on stop, for fetches in flight
  Log log{};
};

struct OfficeStatus {
  bool running = false;  ///< start() has succeeded, even if the office was stopped since; if false
                         ///< the rest is empty
  std::uint16_t port = 0;  ///< where it listens, in case port 0 was asked for
  StoreStatus store;       ///< says why a store is down
  PipelineStatus pipeline;
};

/// A pipeline with the default parts, and the thread they run on: HTTP in, a queue in a directory,
/// HTTP to the source, SQLite or PostgreSQL. For parts of your own see postoffice.hpp.
///
/// Threads: all methods may be called from any thread. The destructor and stop_and_wait() wait for
/// the office's own thread, so they must not be called on it, that is, not in the `done` of stop().
class Office {
 public:
  explicit Office(OfficeOptions options);
  /// Without a stop before it is like a crash: nothing accepted is lost, and the next run
  /// continues.
  ~Office();
  Office(const Office&) = delete;
  Office& operator=(const Office&) = delete;

  /// Accepts callbacks from then on, whether the store and the source can be reached or not. After
  /// an error nothing is left open, and start() may be tried again. After a success or a stop it
  /// fails with Error::stopped.
  Failure start();

  /// Drains as Pipeline::stop() does. `done` is called once, on the office's thread; at once if
  /// nothing runs.
  void stop(std::function<void()> done);
  void stop_and_wait();

  OfficeStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
