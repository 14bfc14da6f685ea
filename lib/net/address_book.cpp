#include "net/address_book.hpp"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <utility>

namespace postoffice::net {

AddressBook::AddressBook(asio::io_context& context, std::string host, std::uint16_t port,
                         std::chrono::milliseconds refresh_every)
    : resolver_(context), host_(std::move(host)), port_(port), refresh_every_(refresh_every) {
  std::error_code error;
  const auto address = asio::ip::make_address(host_, error);
  literal_ = !error;
  if (literal_) endpoints_.emplace_back(address, port_);
}

bool AddressBook::begin_look_up(Time now) {
  if (literal_ || looking_up_) return false;
  const auto every = distrusted_ ? std::min(distrusted_every, refresh_every_) : refresh_every_;
  if (!empty() && now - looked_up_at_ < every) return false;
  return looking_up_ = true;
}

void AddressBook::look_up(LookedUp looked_up) {
  resolver_.async_resolve(
      host_, std::to_string(port_), asio::ip::resolver_base::numeric_service,
      [looked_up = std::move(looked_up)](const std::error_code& error,
                                         const asio::ip::tcp::resolver::results_type& results) {
        looked_up(error, Endpoints(results.begin(), results.end()));
      });
}

void AddressBook::update(const std::error_code& error, Endpoints endpoints, Time now) {
  looking_up_ = false;
  looked_up_at_ = now;
  // Earlier addresses stay in use while the name service fails.
  if (error || endpoints.empty()) return;
  Endpoint preferred;
  if (!empty()) preferred = at(0);
  endpoints_ = std::move(endpoints);
  preferred_ = 0;
  worked(preferred);
  if (std::exchange(distrusted_, false) && at(0) == preferred) {
    preferred_ = (preferred_ + 1) % endpoints_.size();
  }
}

bool AddressBook::contains(const Endpoint& endpoint) const {
  return std::find(endpoints_.begin(), endpoints_.end(), endpoint) != endpoints_.end();
}

void AddressBook::worked(const Endpoint& endpoint) {
  const auto found = std::find(endpoints_.begin(), endpoints_.end(), endpoint);
  if (found != endpoints_.end()) preferred_ = static_cast<std::size_t>(found - endpoints_.begin());
}

}  // namespace postoffice::net
