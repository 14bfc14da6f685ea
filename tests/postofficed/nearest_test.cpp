#include "options/nearest.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace postofficed;

TEST_CASE("the distance counts letters put in, taken out, replaced and swapped") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("ttl", "ttl") == 0);
  CHECK(edit_distance("", "ttl") == 3);
  CHECK(edit_distance("listn", "listen") == 1);
  CHECK(edit_distance("liisten", "listen") == 1);
  CHECK(edit_distance("lisden", "listen") == 1);
  CHECK(edit_distance("replya", "replay") == 1);
  CHECK(edit_distance("tlt", "ttl") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("the name that was meant is found, and none where nobody can know") {
  const std::vector<std::string> names{"listen",  "admin-listen",      "ttl",
                                       "keep",    "fetch-concurrency", "fetch-timeout",
                                       "warning", "ingress-threads",   "log-level"};
  const std::vector<std::pair<const char*, const char*>> cases{
      {"listn", "listen"},
      {"lisen", "listen"},
      {"LISTEN", "listen"},
      {"admin_listen", "admin-listen"},
      {"tlt", "ttl"},
      {"ttl-seconds", "ttl"},
      {"concurrency", "fetch-concurrency"},
      {"fetch-concurency", "fetch-concurrency"},
      {"timeout", "fetch-timeout"},
      {"warn", "warning"},
      {"threads", "ingress-threads"},
      {"level", "log-level"},
      {"colour", ""},
      {"database", ""},
      {"x", ""},
      {"", ""},
  };
  for (const auto& one : cases) {
    const std::string word = one.first, name = one.second;
    CAPTURE(word);
    CHECK(nearest(word, names) == name);
  }
}

TEST_CASE("words about it read on from a message") {
  const std::vector<std::string> names{"--listen"};
  CHECK(did_you_mean("--listn", names) == "; did you mean --listen?");
  CHECK(did_you_mean("--listn", names, "\"", "\"") == "; did you mean \"--listen\"?");
  CHECK(did_you_mean("--colour", names).empty());
}
