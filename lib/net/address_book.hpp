// The addresses of one host: looked up off the hot path, tried in turn.
#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace postoffice::net {

/// Remembers which address worked last, so that a host with a dead address costs one failed
/// attempt, not one for each connection.
///
/// Threads: none of its own. The owner guards it with its lock, also in the completion it gives to
/// look_up().
class AddressBook {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Endpoint = asio::ip::tcp::endpoint;
  using Endpoints = std::vector<Endpoint>;
  using LookedUp = std::function<void(std::error_code, Endpoints)>;

  AddressBook(asio::io_context& context, std::string host, std::uint16_t port,
              std::chrono::milliseconds refresh_every);

  bool empty() const { return endpoints_.empty(); }
  std::size_t size() const { return endpoints_.size(); }

  /// The n-th address to try.
  const Endpoint& at(std::size_t n) const {
    return endpoints_[(preferred_ + n) % endpoints_.size()];
  }

  bool contains(const Endpoint& endpoint) const;

  /// Call it when the answers from the address are of no use: the name may have moved. The next
  /// look-up comes soon; after it another address is tried first, if there is one.
  void distrust() { distrusted_ = true; }

  /// True once each time a look-up should be made; then look_up() and, with its result, update().
  bool begin_look_up(Time now);
  void look_up(LookedUp looked_up);
  void update(const std::error_code& error, Endpoints endpoints, Time now);

  void worked(const Endpoint& endpoint);
  void stop() { resolver_.cancel(); }

  /// How soon a name that is distrusted is looked up again.
  static constexpr std::chrono::milliseconds distrusted_every{2'000};

 private:
  asio::ip::tcp::resolver resolver_;
  std::string host_;
  std::uint16_t port_;
  std::chrono::milliseconds refresh_every_;
  Endpoints endpoints_;
  std::size_t preferred_ = 0;
  bool literal_ = false;  // never looked up
  bool looking_up_ = false;
  bool distrusted_ = false;
  Time looked_up_at_{};
};

}  // namespace postoffice::net
