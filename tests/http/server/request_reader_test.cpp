// Reading requests: a head that was read before must mean what it meant then.
#include "http/server/request_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace postoffice::http;

namespace {

struct Outcome {
  RequestReader::Step step = RequestReader::Step::more;
  std::string method, target, body, reason;
  bool keep_alive = false, version_is_1_0 = false;
  std::size_t size = 0;
  int status = 0, proceeds = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome_of(const RequestReader& reader, RequestReader::Step step, int proceeds) {
  Outcome outcome;
  outcome.step = step;
  outcome.proceeds = proceeds;
  if (step == RequestReader::Step::refused) {
    outcome.status = reader.status();
    outcome.reason = reader.reason();
  } else if (step == RequestReader::Step::complete) {
    const auto& request = reader.request();
    outcome.method = request.method;
    outcome.target = request.target;
    outcome.body = request.body;
    outcome.keep_alive = request.keep_alive;
    outcome.version_is_1_0 = request.version_is_1_0;
    outcome.size = reader.size();
  }
  return outcome;
}

/// The first request of `text`, which arrives in pieces that end at `cuts`.
Outcome read(RequestReader& reader, const std::string& text, const std::vector<std::size_t>& cuts) {
  auto step = RequestReader::Step::more;
  int proceeds = 0;
  for (const auto end : cuts) {
    const std::string arrived = text.substr(0, end);  // elsewhere each time, as in a connection
    step = reader.read(arrived);
    if (step == RequestReader::Step::proceed) ++proceeds;
    const bool ended =
        step == RequestReader::Step::complete || step == RequestReader::Step::refused;
    if (ended) return outcome_of(reader, step, proceeds);
  }
  return outcome_of(reader, step, proceeds);
}

std::string request(std::mt19937_64& random) {
  const auto one_of = [&](std::initializer_list<const char*> choices) {
    return std::string(choices.begin()[random() % choices.size()]);
  };
  const std::string body(random() % 4 == 0 ? random() % 50 : 5, 'x');
  std::string text = one_of({"POST", "POST", "POST", "GET", "PUT", "BREW"}) + " " +
                     one_of({"/callback", "/callback?a=1", "/", "callback"}) + " " +
                     one_of({"HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0"}) + "\r\n";
  text += one_of({"Host: a\r\n", "Host: a\r\n", "Host: b\r\n", "", "Host: a\r\nHost: b\r\n"});
  text += one_of({"", "", "", "Connection: close\r\n", "Connection: keep-alive\r\n",
                  "Expect: 100-continue\r\n", "Expect: tea\r\n", " folded\r\n", "bare\n"});
  const auto framing = random() % 8;
  if (framing == 0) {
    text += "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
  } else if (framing == 1) {
    text += "\r\n";
  } else {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  if (random() % 8 == 0) text = "\r\n" + text;
  if (random() % 8 == 0) text.resize(random() % text.size());
  return text;
}

}  // namespace

TEST_CASE("whether a head was read before makes no difference to a request") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  const RequestLimits limits{HeaderLimits{}, 40};
  RecentHeads shared;
  int complete = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = request(random) + request(random);  // a second one behind it
    CAPTURE(text);
    std::vector<std::size_t> cuts;
    for (auto pieces = random() % 3; pieces > 0; --pieces)
      cuts.push_back(random() % (text.size() + 1));
    const auto end = text.find("\r\n\r\n");  // where a client waits for "100 Continue"
    if (round % 2 == 0 && end != std::string::npos) cuts.push_back(end + 4);
    cuts.push_back(text.size());
    std::sort(cuts.begin(), cuts.end());
    RecentHeads none;
    RequestReader fresh(limits, none);
    RequestReader reader(limits, shared);
    const auto expected = read(fresh, text, cuts);
    REQUIRE(read(reader, text, cuts) == expected);
    if (expected.step == RequestReader::Step::complete) ++complete;
  }
  CHECK(complete > 2'000);
}

TEST_CASE("a head that is read again and again is found, whatever else comes between") {
  RecentHeads recent;
  CHECK(recent.find("GET / HTTP/1.1\r\n\r\n") == nullptr);
  const std::vector<std::string> heads{"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                                       "GET / HTTP/1.1\r\nHost: b\r\n\r\n"};
  for (const auto& head : heads) recent.put(head, {{}, 3, 1, 0, true, false});
  for (int i = 0; i < 10; ++i) {
    for (const auto& head : heads) {
      const auto* found = recent.find(head + "behind it");
      REQUIRE(found != nullptr);
      CHECK(found->text == head);
      CHECK(recent.find(std::string_view(head).substr(0, head.size() - 1)) == nullptr);
    }
  }
  for (int i = 0; i < 100; ++i) recent.put(std::to_string(i), {});
  CHECK(recent.find(heads[0]) == nullptr);
  CHECK(recent.find("99") != nullptr);
}
