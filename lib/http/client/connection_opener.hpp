// Which connections are opened, when, and to which address.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include "http/client/connect_window.hpp"
#include "http/client/connection_set.hpp"
#include "http/client/fetch_queue.hpp"
#include "http/client/source_report.hpp"
#include "net/address_book.hpp"
#include "net/poller.hpp"
#include "postoffice/defaults/http_object_source.hpp"

namespace postoffice::http {

/// As many connect as there are fetches that want a connection, within the limits of the options
/// and of ConnectWindow.
///
/// Threads: as ConnectionPool.
class ConnectionOpener {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// What is needed of whoever has the loop and the lock.
  class Owner {
   public:
    /// The poller is to be used: before each connect.
    virtual std::error_code start_polling() = 0;
    /// The source's name is to be looked up; then looked_up().
    virtual void look_up() = 0;

   protected:
    ~Owner() = default;
  };

  /// `events`: of the connections that are opened.
  ConnectionOpener(const HttpObjectSourceOptions& options, const std::string& host, Owner& owner,
                   SourceConnectionEvents& events, ConnectionSet& connections, FetchQueue& fetches,
                   net::AddressBook& addresses, net::Poller& poller, SourceReport& report);

  void look_up_if_due(Time now);
  /// False if no address is known; then what wants a connection has failed.
  bool looked_up(const std::error_code& error, net::AddressBook::Endpoints endpoints);
  /// Opens what is wanted and allowed now.
  void open();

  /// The connect has ended. False if it failed, and was seen to.
  bool connected(SourceConnection& connection);
  /// Gives up what connects for too long.
  void tend(Time now);

  /// A connection was answered.
  void heard(Time now) { connect_window_.heard(now); }
  /// One that was new was: is another one better begun anew than waited for?
  void heard_on_new(Time now);
  /// How a fetch has ended: the address that is asked may no longer be the source's.
  void note_result(const std::error_code& error);
  /// False if its address is no longer the source's, or, where another one is tried for want of
  /// useful answers, is the old one.
  bool may_stay(const SourceConnection& connection) const;

 private:
  void start_connect(std::size_t addresses_tried);
  std::error_code begin_connect(SourceConnection& connection);
  void connect_failed(SourceConnection& connection, const std::error_code& error);
  void fail_one_wanting(const std::string& reason);

  const HttpObjectSourceOptions& options_;
  const std::string host_;
  Owner& owner_;
  SourceConnectionEvents& events_;
  ConnectionSet& connections_;
  FetchQueue& fetches_;
  net::AddressBook& addresses_;
  net::Poller& poller_;
  SourceReport& report_;

  Time short_until_{};  // no connection is opened before
  ConnectWindow connect_window_;
  std::size_t failed_run_ = 0;  // fetches in a row that got no answer of use
};

}  // namespace postoffice::http
