#include "rabbitmq/amqp_url.hpp"

#include <doctest/doctest.h>

#include <ostream>

#include "postoffice/error.hpp"

using postoffice::rabbitmq::parse_amqp_url;

TEST_CASE("a broker's URL names host, port, credentials and virtual host") {
  const auto all = parse_amqp_url("amqp://some%40one:p%3aw%2Fd@broker.example:1234/my%2fhost");
  CHECK(all->host == "broker.example");
  CHECK(all->port == 1234);
  CHECK(all->user == "some@one");
  CHECK(all->password == "p:w/d");
  CHECK(all->vhost == "my/host");
  CHECK(to_string(*all) == "amqp://some@one@broker.example:1234/my/host");
}

TEST_CASE("what a broker's URL leaves out has RabbitMQ's defaults; no path and / are the vhost /") {
  for (const char* url : {"amqp://", "amqp:///", "amqp://localhost", "amqp://localhost:5672/"}) {
    const auto address = parse_amqp_url(url);
    CHECK(address->host == "localhost");
    CHECK(address->port == 5672);
    CHECK(address->user == "guest");
    CHECK(address->password == "guest");
    CHECK(address->vhost == "/");
  }
  CHECK(parse_amqp_url("amqp://h/%2f")->vhost == "/");
  CHECK(parse_amqp_url("amqp://[::1]:7")->host == "::1");
  CHECK(parse_amqp_url("amqp://[::1]:7")->port == 7);
  CHECK(parse_amqp_url("amqp://u@h")->password == "");
}

TEST_CASE("a broker's URL says amqps for TLS, and may say how") {
  const auto plain = parse_amqp_url("amqp://h/");
  CHECK_FALSE(plain->tls.has_value());
  const auto bare = parse_amqp_url("amqps://u:p@h");
  REQUIRE(bare->tls.has_value());
  CHECK(bare->port == 5671);
  CHECK(bare->tls->verify);
  CHECK(bare->tls->ca_file.empty());
  CHECK(to_string(*bare) == "amqps://u@h:5671");
  const auto all = parse_amqp_url(
      "amqps://h:1/v?cacertfile=/a%20b.pem&certfile=/c&keyfile=/k&verify=verify_none"
      "&server_name_indication=other.example");
  REQUIRE(all->tls.has_value());
  CHECK(all->port == 1);
  CHECK(all->vhost == "v");
  CHECK(all->tls->ca_file == "/a b.pem");
  CHECK(all->tls->certificate == "/c");
  CHECK(all->tls->key == "/k");
  CHECK_FALSE(all->tls->verify);
  CHECK(all->tls->server_name == "other.example");
}

TEST_CASE("a URL that cannot be meant is refused, and the password is not repeated") {
  for (const char* url :
       {"", "http://h", "amqps://u:secret@h?heartbeat=1", "amqps://u:secret@h?verify=yes",
        "amqps://u:secret@h?certfile=/c", "amqps://u:secret@h?verify", "amqps://u:secret@h#x",
        "amqps://u:x?secret=1@h", "amqps://u:x?secret@h", "amqp://u:x?secret=1@h",
        "amqp://u:secret@h:0", "amqp://u:secret@h:65536", "amqp://u:secret@h:x",
        "amqp://u:secret@[::1", "amqp://u:secret%2@h", "amqp://u:secret@h/a/b",
        "amqp://u:secret@h/?heartbeat=1", "amqp://u:secret%00@h", "amqp://u:secret@[::1]x"}) {
    CAPTURE(url);
    const auto address = parse_amqp_url(url);
    REQUIRE_FALSE(address);
    CHECK(address.error().code == postoffice::Error::bad_options);
    CHECK(address.error().message.find("secret") == std::string::npos);
  }
}

TEST_CASE("several hosts of a URL are all kept, each with its port") {
  using Hosts = std::vector<postoffice::rabbitmq::Host>;
  CHECK(parse_amqp_url("amqp://u:p@one:1,two,[::1]:3/v")->hosts ==
        Hosts{{"one", 1}, {"two", 5672}, {"::1", 3}});
  CHECK(parse_amqp_url("amqps://one,two")->hosts == Hosts{{"one", 5671}, {"two", 5671}});
  CHECK(parse_amqp_url("amqp://one,two")->host == "one");
  CHECK(parse_amqp_url("amqp://")->hosts == Hosts{{"localhost", 5672}});
  for (const std::string url :
       {"amqp://one,", "amqp://,one", "amqp://one,,two", "amqp://one:x,two"}) {
    CHECK_FALSE(parse_amqp_url(url));
  }
}
