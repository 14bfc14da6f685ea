#include "net/address_book.hpp"

#include <doctest/doctest.h>

using postoffice::net::AddressBook;
using namespace std::chrono_literals;

namespace {

AddressBook::Endpoint at(const char* address) { return {asio::ip::make_address(address), 9010}; }

}  // namespace

TEST_CASE("a name that is distrusted is looked up soon, and another of its addresses is tried") {
  asio::io_context context;
  AddressBook book(context, "source.example", 9010, 30s);
  AddressBook::Time now(1h);
  REQUIRE(book.begin_look_up(now));
  book.update({}, {at("127.0.0.2"), at("127.0.0.3")}, now);
  CHECK_FALSE(book.begin_look_up(now + 29s));
  book.distrust();
  CHECK_FALSE(book.begin_look_up(now + 1s));
  REQUIRE(book.begin_look_up(now + 2s));
  book.update({}, {at("127.0.0.3"), at("127.0.0.2")}, now + 2s);
  CHECK(book.at(0) == at("127.0.0.3"));
  CHECK(book.contains(at("127.0.0.2")));
  // Trusted again: it stays where it is, and need not be looked up so soon.
  CHECK_FALSE(book.begin_look_up(now + 10s));
  REQUIRE(book.begin_look_up(now + 32s));
  book.update({}, {at("127.0.0.2"), at("127.0.0.3")}, now + 32s);
  CHECK(book.at(0) == at("127.0.0.3"));
  // A name that has moved.
  REQUIRE(book.begin_look_up(now + 62s));
  book.update({}, {at("127.0.0.4")}, now + 62s);
  CHECK(book.at(0) == at("127.0.0.4"));
  CHECK_FALSE(book.contains(at("127.0.0.3")));
}
