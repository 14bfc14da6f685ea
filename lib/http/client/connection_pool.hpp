// The connections to one source: opened, put to use, given up.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include "http/client/answer_of_response.hpp"
#include "http/client/connect_window.hpp"
#include "http/client/fetch_queue.hpp"
#include "http/client/keep_alive_policy.hpp"
#include "http/client/poll_coalescer.hpp"
#include "http/client/reader_pool.hpp"
#include "http/client/request_text.hpp"
#include "http/client/source_connection.hpp"
#include "http/client/source_report.hpp"
#include "net/address_book.hpp"
#include "net/poller.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

/// A connection connects, then carries a fetch (busy) or is idle, and is dropped. As many connect
/// as there are fetches that want one, within the limits of the options and of ConnectWindow.
///
/// Invariants: a connection stands in exactly one list, its `home`; it carries one fetch exactly
/// while it is busy.
///
/// Threads: everything under the lock of the pool that this belongs to, on the loop's thread; but
/// close() on any.
class ConnectionPool final : public SourceConnectionEvents {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What the connections need of whoever has the loop and the lock.
  class Owner {
   public:
    /// The poller is to be used: before each connect.
    virtual std::error_code start_polling() = 0;
    /// The source's name is to be looked up; then looked_up().
    virtual void look_up() = 0;

   protected:
    ~Owner() = default;
  };

  ConnectionPool(const HttpObjectSourceOptions& options, const SourceUrl& url, Owner& owner,
                 FetchQueue& fetches, net::AddressBook& addresses, net::Poller& poller,
                 SourceReport& report);

  /// Fetches have got in line.
  void serve();
  /// Opens what is wanted and allowed now.
  void open();
  void looked_up(const std::error_code& error, net::AddressBook::Endpoints endpoints);
  /// Something has happened to the socket; part of a batch.
  void ready(SourceConnection& connection) override;
  /// The fetch's time is over.
  void expire(Fetch& fetch);
  /// Gives up what connects or idles for too long.
  void tend(Time now);

  /// How long to let answers collect after a batch.
  std::chrono::steady_clock::duration rest_after_batch(Time now) {
    return coalescer_.after_batch(now);
  }
  /// No event of the running batch is told any more: what was dropped may go.
  void forget_dropped() { dropped_.clear(); }

  /// Closes all; what they carried ends with Error::stopped.
  void close();

  std::size_t size() const { return connecting_.size() + busy_.size() + idle_.size(); }
  std::size_t connecting() const { return connecting_.size(); }
  std::size_t idle() const { return idle_.size(); }
  bool keeping() const { return keep_alive_.keeps(); }

 private:
  void look_up_if_due(Time now);
  void start_connect(std::size_t addresses_tried);
  std::error_code begin_connect(SourceConnection& connection);
  void connect_ended(SourceConnection& connection);
  void connect_failed(SourceConnection& connection, const std::error_code& error);

  void send(SourceConnection& connection);
  void make_idle(SourceConnection& connection);
  void readable(SourceConnection& connection);
  void read_answer(SourceConnection& connection, const std::error_code& error, std::size_t size);
  void answered(SourceConnection& connection, ReadAnswer answer, bool reusable);
  void note_answer(SourceConnection& connection, const ReadAnswer& answer, Time now);
  void broken(SourceConnection& connection, const std::string& reason);
  void drop(SourceConnection& connection);
  void leave_other_addresses();

  void end(Fetch& fetch, FetchResult result);
  void fail(Fetch& fetch, Error error, std::string reason);
  void fail_one_wanting(const std::string& reason);

  const HttpObjectSourceOptions& options_;
  const std::string host_;
  const ResponseLimits limits_;
  Owner& owner_;
  FetchQueue& fetches_;
  net::AddressBook& addresses_;
  net::Poller& poller_;
  SourceReport& report_;

  SourceConnectionList connecting_;  // in the order of their start
  SourceConnectionList busy_;
  SourceConnectionList idle_;     // the last used first, so that the ones not needed age
  SourceConnectionList dropped_;  // closed; the running batch may still hold an event of theirs
  Time short_until_{};            // no connection is opened before
  ConnectWindow connect_window_;
  KeepAlivePolicy keep_alive_;
  std::size_t failed_run_ = 0;  // fetches in a row that got no answer of use
  PollCoalescer coalescer_;
  RequestText request_;
  ReaderPool readers_;
  std::array<char, 64 * 1024> buffer_;
};

}  // namespace postoffice::http
