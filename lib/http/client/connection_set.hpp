// The connections to one source, by what they do.
#pragma once

#include <cstddef>
#include <iterator>

#include "http/client/source_connection.hpp"

namespace postoffice::http {

/// Invariant: a connection stands in exactly one list, its `home`.
///
/// Threads: none of its own.
class ConnectionSet {
 public:
  SourceConnection& add_connecting(SourceConnectionEvents& events,
                                   const SourceConnection::Endpoint& endpoint, std::size_t tried) {
    connecting_.emplace_back(events, endpoint, tried);
    SourceConnection& connection = connecting_.back();
    connection.home = &connecting_;
    connection.place = std::prev(connecting_.end());
    return connection;
  }
  void make_busy(SourceConnection& connection) {
    if (connection.home != &busy_) move(connection, busy_, busy_.end());
  }
  void make_idle(SourceConnection& connection) { move(connection, idle_, idle_.begin()); }
  void drop(SourceConnection& connection) {
    connection.close();
    move(connection, dropped_, dropped_.end());
  }
  /// All. What they carry is given to `carried`.
  template <typename Carried>
  void drop_all(Carried carried) {
    for (SourceConnectionList* list : {&connecting_, &busy_, &idle_}) {
      for (SourceConnection& connection : *list) {
        connection.close();
        connection.home = &dropped_;
        if (!connection.fetch.empty()) carried(connection.fetch.front());
      }
      dropped_.splice(dropped_.end(), *list);
    }
  }
  /// No event of the running batch is told any more.
  void forget_dropped() { dropped_.clear(); }

  bool is_connecting(const SourceConnection& connection) const {
    return connection.home == &connecting_;
  }
  std::size_t size() const { return connecting_.size() + busy_.size() + idle_.size(); }

  /// In the order of their start.
  SourceConnectionList& connecting() { return connecting_; }
  SourceConnectionList& busy() { return busy_; }
  /// The last used first, so that the ones not needed age.
  SourceConnectionList& idle() { return idle_; }
  const SourceConnectionList& connecting() const { return connecting_; }
  const SourceConnectionList& idle() const { return idle_; }

 private:
  static void move(SourceConnection& connection, SourceConnectionList& target,
                   SourceConnectionList::iterator position) {
    target.splice(position, *connection.home, connection.place);
    connection.home = &target;
  }

  SourceConnectionList connecting_;
  SourceConnectionList busy_;
  SourceConnectionList idle_;
  SourceConnectionList dropped_;  // closed; the running batch may still hold an event of theirs
};

}  // namespace postoffice::http
