#include "options/location.hpp"

#include <doctest/doctest.h>

using namespace postofficed;

TEST_CASE("passwords in URLs are hidden, the rest is shown") {
  CHECK(redact("postgresql://u:p@h:5432/db") == "postgresql://u:***@h:5432/db");
  CHECK(redact("postgresql://u@h/db") == "postgresql://u@h/db");
  CHECK(redact("postgresql://h:5432/db") == "postgresql://h:5432/db");
  CHECK(redact("postgresql:///db?host=/run&password=p&user=u") ==
        "postgresql:///db?host=/run&password=***&user=u");
  CHECK(redact("postgresql://h/db?sslpassword=p") == "postgresql://h/db?sslpassword=***");
}

TEST_CASE("a password with the URL's own signs in it is hidden whole") {
  for (const char* url : {"postgresql://u:se/cret@h/db", "postgresql://u:se@cret@h/db",
                          "postgresql://u:se?cret@h/db", "postgresql://u:se:cret@h/db"}) {
    CHECK(redact(url) == "postgresql://u:***@h/db");
  }
}

TEST_CASE("passwords in key=value pairs are hidden, however they are quoted") {
  CHECK(redact("host=h password=p user=u") == "host=h password=*** user=u");
  CHECK(redact("password = 'a b\\'c' host=h") == "password = *** host=h");
  CHECK(redact("host=h password='unclosed secret") == "host=h password=***");
  CHECK(redact("host=h password=a\\ b dbname=d") == "host=h password=*** dbname=d");
  CHECK(redact("host=h dbname=d") == "host=h dbname=d");
  CHECK(redact("user=u password=postgresql://x host=h") == "user=u password=*** host=h");
}

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

TEST_CASE("what looks like an address with a password, but is no URL, is hidden up to the host") {
  CHECK(redact("amqp:u:secret@h/") == "***@h/");
  CHECK(redact("u:secret@h") == "***@h");
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
TEST_CASE("a source is shown without what may be a secret") {
  const auto check = [](const std::string& url, const std::string& shown) {
    CAPTURE(url);
    CHECK(redact_source(url) == shown);
  };
  check("http://h:9010/objects/{id}", "http://h:9010/objects/{id}");
  check("http://h/o?token=s3cret&id={id}", "http://h/o?token=***&id={id}");
  check("http://h/{id}?s3cret", "http://h/{id}?***");
  check("http://h/{id}?a=s3cret=s3cret&b=", "http://h/{id}?a=***&b=");
  check("http://u:s3cret@h/{id}", "http://***@h/{id}");
  check("http://s3cret@h/{id}?k=s3cret", "http://***@h/{id}?k=***");
  check("http://u:s3@cret/@h/{id}", "http://***@h/{id}");
  check("http://u:s3?cret@h/{id}", "http://***");
  check("no url", "no url");
}

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
