#include "options/location.hpp"

#include <doctest/doctest.h>

using namespace postofficed;

TEST_CASE("stores are told by how they begin") {
  const auto file = parse_store("sqlite:/a/b.db");
  REQUIRE(file);
  CHECK(file->kind == StoreLocation::Kind::sqlite);
  CHECK(file->target == "/a/b.db");
  for (const char* text : {"postgresql://h/db", "postgres://h/db", "host=h dbname=d"}) {
    const auto location = parse_store(text);
    REQUIRE(location);
    CHECK(location->kind == StoreLocation::Kind::postgres);
    CHECK(location->target == text);
  }
  for (const char* text : {"sqlite:", "mysql://h/db", "objects.db", "mysql://h/db?x=y"}) {
    CHECK_FALSE(parse_store(text));
  }
}

TEST_CASE("queues are directories, brokers, or both") {
  const auto file = parse_queue("file:/q", "/data/queue");
  REQUIRE(file);
  CHECK(file->kind == QueueLocation::Kind::file);
  CHECK(file->directory == "/q");
  CHECK(describe(*file) == "file:/q");
  for (const char* text : {"file:", "/q", "amqp:h", "http://h/", "file+http://h/"}) {
    CHECK_FALSE(parse_queue(text, "/data/queue"));
  }
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("a broker's password is not shown, and file+amqp keeps its files in the data directory") {
  auto location = parse_queue("amqp://u:secret@h:5672/v", "/data/queue");
  REQUIRE(location);
  CHECK(location->kind == QueueLocation::Kind::broker);
  CHECK(location->directory.empty());
  CHECK(location->url == "amqp://u:secret@h:5672/v");
  CHECK(describe(*location) == "amqp://u:***@h:5672/v");

  location = parse_queue("file+amqp://u:secret@h/", "/data/queue");
  REQUIRE(location);
  CHECK(location->kind == QueueLocation::Kind::file_then_broker);
  CHECK(location->directory == "/data/queue");
  CHECK(location->url == "amqp://u:secret@h/");
  CHECK(describe(*location) == "file+amqp://u:***@h/");

  location = parse_queue("amqps://u:secret@h/?cacertfile=/c", "/data/queue");
  REQUIRE(location);
  CHECK(describe(*location) == "amqps://u:***@h/?cacertfile=/c");
}
#else
TEST_CASE("without RabbitMQ, queues of a broker are refused") {
  const auto location = parse_queue("amqp://h/", "/data/queue");
  REQUIRE_FALSE(location);
  CHECK(location.error().message.find("not built in") != std::string::npos);
}
#endif
