// Opens, uses and closes the connections to one source.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include "http/client/answer_reader.hpp"
#include "http/client/connection_opener.hpp"
#include "http/client/connection_set.hpp"
#include "http/client/fetch_queue.hpp"
#include "http/client/keep_alive_policy.hpp"
#include "http/client/poll_coalescer.hpp"
#include "http/client/request_text.hpp"
#include "http/client/source_report.hpp"
#include "net/address_book.hpp"
#include "net/poller.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

/// A connection connects, then carries a fetch (busy) or is idle, and is dropped.
///
/// Invariant: a connection carries one fetch exactly while it is busy.
///
/// Threads: all methods under the lock of the FetchPool that owns this, on the loop's thread;
/// close() on any thread.
class ConnectionPool final : public SourceConnectionEvents {
 public:
  using Time = std::chrono::steady_clock::time_point;

  ConnectionPool(const HttpObjectSourceOptions& options, const SourceUrl& url,
                 ConnectionOpener::Owner& owner, FetchQueue& fetches, net::AddressBook& addresses,
                 net::Poller& poller, SourceReport& report);

  /// Call it when fetches have been queued.
  void serve();
  /// Opens as many connections as are wanted and allowed now.
  void open() { opener_.open(); }
  void looked_up(const std::error_code& error, net::AddressBook::Endpoints endpoints);
  /// Something has happened to the socket; part of a batch.
  void ready(SourceConnection& connection) override;
  /// The fetch's time is over.
  void expire(Fetch& fetch);
  /// Gives up connections that connect or idle for too long.
  void tend(Time now);

  /// How long to let answers collect after a batch.
  std::chrono::steady_clock::duration rest_after_batch(Time now) {
    return coalescer_.after_batch(now);
  }
  /// The running batch delivers no more events, so dropped connections may be freed.
  void forget_dropped() { connections_.forget_dropped(); }

  /// Closes all; the fetches that they carried end with Error::stopped.
  void close();

  std::size_t size() const { return connections_.size(); }
  std::size_t connecting() const { return connections_.connecting().size(); }
  std::size_t idle() const { return connections_.idle().size(); }
  bool keeping() const { return keep_alive_.keeps(); }

 private:
  void send(SourceConnection& connection);
  void make_idle(SourceConnection& connection);
  void readable(SourceConnection& connection);
  void answered(SourceConnection& connection, AnswerReader::Result result);
  void note_answer(SourceConnection& connection, const ReadAnswer& answer, Time now);
  void broken(SourceConnection& connection, const std::string& reason);
  void drop(SourceConnection& connection);
  void leave_other_addresses();

  void end(Fetch& fetch, FetchResult result);
  void fail(Fetch& fetch, Error error, std::string reason);

  const HttpObjectSourceOptions& options_;
  FetchQueue& fetches_;
  SourceReport& report_;

  ConnectionSet connections_;
  ConnectionOpener opener_;
  KeepAlivePolicy keep_alive_;
  PollCoalescer coalescer_;
  RequestText request_;
  AnswerReader answers_;
};

}  // namespace postoffice::http
