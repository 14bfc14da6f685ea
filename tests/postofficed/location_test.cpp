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
  StoreLocation location;
  std::string problem;
  CHECK(parse_store("sqlite:/a/b.db", location, problem));
  CHECK(location.kind == StoreLocation::Kind::sqlite);
  CHECK(location.target == "/a/b.db");
  for (const char* text : {"postgresql://h/db", "postgres://h/db", "host=h dbname=d"}) {
    CHECK(parse_store(text, location, problem));
    CHECK(location.kind == StoreLocation::Kind::postgres);
    CHECK(location.target == text);
  }
  for (const char* text : {"sqlite:", "mysql://h/db", "objects.db", "mysql://h/db?x=y"}) {
    CHECK_FALSE(parse_store(text, location, problem));
  }
}

TEST_CASE("what looks like an address with a password, but is no URL, is hidden up to the host") {
  CHECK(redact("amqp:u:secret@h/") == "***@h/");
  CHECK(redact("u:secret@h") == "***@h");
}

TEST_CASE("queues are directories, brokers, or both") {
  QueueLocation location;
  std::string problem;
  CHECK(parse_queue("file:/q", "/data/queue", location, problem));
  CHECK(location.kind == QueueLocation::Kind::file);
  CHECK(location.directory == "/q");
  CHECK(describe(location) == "file:/q");
  for (const char* text : {"file:", "/q", "amqp:h", "http://h/", "file+http://h/"}) {
    CHECK_FALSE(parse_queue(text, "/data/queue", location, problem));
  }
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("a broker's password is not shown, and file+amqp keeps its files in the data directory") {
  QueueLocation location;
  std::string problem;
  CHECK(parse_queue("amqp://u:secret@h:5672/v", "/data/queue", location, problem));
  CHECK(location.kind == QueueLocation::Kind::broker);
  CHECK(location.directory.empty());
  CHECK(location.url == "amqp://u:secret@h:5672/v");
  CHECK(describe(location) == "amqp://u:***@h:5672/v");

  CHECK(parse_queue("file+amqp://u:secret@h/", "/data/queue", location, problem));
  CHECK(location.kind == QueueLocation::Kind::file_then_broker);
  CHECK(location.directory == "/data/queue");
  CHECK(location.url == "amqp://u:secret@h/");
  CHECK(describe(location) == "file+amqp://u:***@h/");

  CHECK(parse_queue("amqps://u:secret@h/?cacertfile=/c", "/data/queue", location, problem));
  CHECK(describe(location) == "amqps://u:***@h/?cacertfile=/c");
}
#else
TEST_CASE("without RabbitMQ, queues of a broker are refused") {
  QueueLocation location;
  std::string problem;
  CHECK_FALSE(parse_queue("amqp://h/", "/data/queue", location, problem));
  CHECK(problem.find("not built in") != std::string::npos);
}
#endif
