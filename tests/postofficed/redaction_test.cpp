#include "options/redaction.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "options/options.hpp"

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

TEST_CASE("what looks like an address with a password, but is no URL, is hidden up to the host") {
  CHECK(redact("amqp:u:secret@h/") == "***@h/");
  CHECK(redact("u:secret@h") == "***@h");
}

TEST_CASE("no spelling of a secret is shown") {
  const std::vector<std::pair<const char*, const char*>> spellings{
      {"postgresql://u:HUNTER2@h/db", "postgresql://u:***@h/db"},
      {"POSTGRESQL://u:HUNTER2@h/db", "POSTGRESQL://u:***@h/db"},
      {"postgresql://u:HUNTER2@h1:1,h2:2/db", "postgresql://u:***@h1:1,h2:2/db"},
      {"postgresql://:HUNTER2@h/db", "postgresql://:***@h/db"},
      {"postgresql://h/db?PASSWORD=HUNTER2", "postgresql://h/db?PASSWORD=***"},
      {"postgresql://h/db?pass%77ord=HUNTER2", "postgresql://h/db?pass%77ord=***"},
      {"postgresql://h/db?pass%57ord=HUNTER2&a=b", "postgresql://h/db?pass%57ord=***&a=b"},
      {"postgresql://h/db?password=a;HUNTER2", "postgresql://h/db?password=***"},
      {"postgresql://h/db?a=b;password=HUNTER2", "postgresql://h/db?a=b;password=***"},
      {"postgresql://h/db?user=u&password=HUNTER2#f", "postgresql://h/db?user=u&password=***#f"},
      {"\"postgresql://u:HUNTER2@h/db\"", "\"postgresql://u:***@h/db\""},
      {"  postgresql://u:HUNTER2@h/db", "  postgresql://u:***@h/db"},
      {"host=h PASSWORD=HUNTER2", "host=h PASSWORD=***"},
      {"host=h Password = HUNTER2 user=u", "host=h Password = *** user=u"},
      {"host=h password= 'HUNTER2 HUNTER2'", "host=h password= ***"},
      {"host=h\npassword=HUNTER2", "host=h\npassword=***"},
      {"host=h passwd=HUNTER2", "host=h passwd=***"},
      {"host=h sslpassword=HUNTER2 sslkey=/k", "host=h sslpassword=*** sslkey=/k"},
      {"host=h passfile=/path", "host=h passfile=/path"},
      {"dbname=postgresql://u:HUNTER2@h/db", "dbname=postgresql://u:***@h/db"},
      {"http://u:HUNTER2@h/{id}", "http://u:***@h/{id}"},
      {"http://HUNTER2@h/{id}", "http://***@h/{id}"},
      {"http://u:HUNTER2@h:9010/{id}?by=me@x", "http://u:***@x"},
      {"http://h:9010/{id}?by=me@x", "http://h:9010/{id}?by=me@x"},
      {"http://[::1]:9010/{id}?by=me@x", "http://[::1]:9010/{id}?by=me@x"},
      {"http://u:HUN/TER2@h/{id}", "http://u:***@h/{id}"},
      {"http://h/{id}?token=HUNTER2", "http://h/{id}?token=***"},
      {"http://h/{id}?a=b&access_token=HUNTER2&c=d", "http://h/{id}?a=b&access_token=***&c=d"},
      {"http://h/{id}?api_key=HUNTER2", "http://h/{id}?api_key=***"},
      {"http://h/{id}?Key=HUNTER2", "http://h/{id}?Key=***"},
      {"http://h/{id}#token=HUNTER2", "http://h/{id}#token=***"},
      {"http://u:HUNTER2@h/{id}?token=HUNTER2", "http://u:***@h/{id}?token=***"},
      {"amqp://u:HUNTER2@h/v", "amqp://u:***@h/v"},
      {"file+amqp://u:HUNTER2@h/v", "file+amqp://u:***@h/v"},
      {"amqps://u:HUNTER2@h1,amqps://u:HUNTER2@h2/v", "amqps://u:***@h2/v"},
      {"amqps://u:HUNTER2@h/?cacertfile=/c&keyfile=/k",
       "amqps://u:***@h/?cacertfile=/c&keyfile=/k"},
      {"amqp:u:HUNTER2@h", "***@h"},
      {"file:/a/queue", "file:/a/queue"},
      {"sqlite:/a/b.db", "sqlite:/a/b.db"},
      {"30s", "30s"},
      {"", ""},
  };
  for (const auto& one : spellings) {
    const std::string text = one.first, shown = one.second;
    CAPTURE(text);
    CHECK(redact(text) == shown);
    CHECK(redact(redact(text)) == shown);
  }
}

TEST_CASE("no option shows a secret, neither as a value nor in what is wrong with it") {
  const auto nothing = [](const std::string&) -> std::optional<std::string> { return {}; };
  for (const char* source : {"http://u:HUNTER2@h/{id}", "http://u:HUNTER2@h/", "u:HUNTER2@h",
                             "https://u:HUNTER2@h/{id}?token=HUNTER2"}) {
    const auto result = parse_options({"--source", source}, nothing);
    if (const auto* problems = std::get_if<Problems>(&result)) {
      for (const auto& message : problems->messages)
        CHECK(message.find("HUNTER2") == std::string::npos);
      continue;
    }
    for (const auto& option : std::get<ParsedOptions>(result).shown)
      CHECK(option.value.find("HUNTER2") == std::string::npos);
  }
}
