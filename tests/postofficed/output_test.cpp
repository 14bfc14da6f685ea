#include <doctest/doctest.h>

#include "admin/process.hpp"
#include "support/journal.hpp"
#include "support/json.hpp"

using namespace postofficed;
using postoffice::Timestamp;

TEST_CASE("times are RFC 3339 in UTC with microseconds, before the epoch too") {
  using namespace std::chrono;
  CHECK(rfc3339(Timestamp(microseconds(0))) == "1970-01-01T00:00:00.000000Z");
  CHECK(rfc3339(Timestamp(microseconds(1767323045678901))) == "2026-01-02T03:04:05.678901Z");
  CHECK(rfc3339(Timestamp(microseconds(-1))) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("JSON strings are escaped, and valid whatever is in them") {
  Json json;
  json.begin_object()
      .member("text", "quote \" backslash \\ line\n tab\t bell\a")
      .member("broken", std::string("a\xFFz\xC3"))
      .member("least", INT64_MIN)
      .member("greatest", UINT64_MAX)
      .member("yes", true)
      .end_object();
  CHECK(json.text() ==
        "{\"text\":\"quote \\\" backslash \\\\ line\\n tab\\t bell\\u0007\","
        "\"broken\":\"a\xEF\xBF\xBDz\xEF\xBF\xBD\",\"least\":-9223372036854775808,"
        "\"greatest\":18446744073709551615,\"yes\":true}");
}

TEST_CASE("well-formed UTF-8 stays, everything else becomes U+FFFD") {
  const std::string replacement = "\xEF\xBF\xBD";
  CHECK(mend_utf8("é€😀") == "é€😀");
  CHECK(mend_utf8("\xC0\xAF") == replacement + replacement);
  CHECK(mend_utf8("\xED\xA0\x80") == replacement + replacement + replacement);
  CHECK(mend_utf8("\xF5") == replacement);
  CHECK(mend_utf8("\xE2\x82") == replacement + replacement);
}

TEST_CASE("the process knows its own size and age") {
  const auto status = read_process_status();
  CHECK(status.resident_bytes > 0);
  CHECK(status.open_files > 2);
  CHECK(status.open_files_max >= status.open_files);
  CHECK(status.start_seconds > 1.6e9);
  for (int i = 0; i < 100; ++i) CHECK(read_process_status().start_seconds == status.start_seconds);
}

TEST_CASE("a log line is about the part that its first word names") {
  CHECK(part_of("queue: callbacks are refused") == "queue");
  CHECK(part_of("queue file:/var/lib/x: 0 callbacks") == "queue");
  CHECK(part_of("PostgreSQL: connected") == "store");
  CHECK(part_of("callbacks on http://localhost:9090/callback") == "ingress");
  CHECK(part_of("ready").empty());
  CHECK(part_of("stores are many").empty());
  CHECK(part_of("").empty());
  CHECK(journal_prefix(postoffice::LogLevel::error) == "<3>");
  CHECK(journal_prefix(postoffice::LogLevel::debug) == "<7>");
}
