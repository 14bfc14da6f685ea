// What the ingress counts: responses by status and reason, and how long callbacks wait.
#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "http/server/office.hpp"

namespace test {
namespace {

using postoffice::Error;
using postoffice::HttpIngressStatus;

std::uint64_t count(const HttpIngressStatus& status, int code, const std::string& reason) {
  const auto place = std::find_if(
      status.responses.begin(), status.responses.end(),
      [&](const auto& response) { return response.status == code && response.reason == reason; });
  REQUIRE(place != status.responses.end());
  return place->count;
}

std::uint64_t all(const HttpIngressStatus& status) {
  return std::accumulate(status.responses.begin(), status.responses.end(), std::uint64_t{0},
                         [](auto sum, const auto& response) { return sum + response.count; });
}

}  // namespace

TEST_CASE("each refusal counts once, under its status and its reason") {
  Office office;
  const auto port = office.ingress.port();
  const std::string head = " HTTP/1.1\r\nHost: a\r\n";
  const std::vector<std::tuple<std::string, int, std::string>> requests{
      {callback(good_body), 202, "accepted"},
      {callback("{"), 400, "not_json"},
      {callback(""), 400, "not_json"},
      {callback(good_body + "1"), 400, "not_json"},
      {callback("{}"), 400, "bad_ids"},
      {callback(R"({"object_ids":[1.5]})"), 400, "bad_ids"},
      {callback("[]"), 400, "bad_ids"},
      {"POST /callback" + head + "Host: b\r\n\r\n", 400, "not_http"},
      {callback(ids_body(10'001)), 413, "too_many_ids"},
      {"POST /callback" + head + "Content-Length: 9999999\r\n\r\n", 413, "too_large"},
      {"GET /callback" + head + "\r\n", 405, "wrong_method"},
      {"GET /" + head + "\r\n", 404, "no_such_path"},
      {"GET /" + std::string(5'000, 'a') + head + "\r\n", 414, "line_too_long"},
      {"GET /" + head + "X: " + std::string(17'000, 'a') + "\r\n\r\n", 431, "head_too_large"},
      {"POST /callback" + head + "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", 415,
       "encoded"},
      {"POST /callback" + head + "Expect: tea\r\nContent-Length: 0\r\n\r\n", 417, "expectation"},
      {"BREW /callback" + head + "\r\n", 501, "unknown_method"},
  };
  for (const auto& each : requests) {
    const auto& request = std::get<0>(each);
    const int status = std::get<1>(each);
    const auto& reason = std::get<2>(each);
    CAPTURE(request.substr(0, 60));
    const auto before = office.ingress.status();
    HttpClient client(port);
    client.send(request);
    CHECK(client.read().status == status);
    const auto after = office.ingress.status();
    CHECK(count(after, status, reason) == count(before, status, reason) + 1);
    CHECK(all(after) == all(before) + 1);
  }
  const auto status = office.ingress.status();
  CHECK(status.accepted == 1);
  CHECK(status.malformed == 7);
  CHECK(status.refused == 0);
  CHECK(status.other == requests.size() - 8);
}

TEST_CASE("what the queue refuses counts under the queue's reason") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 100ms;
  HeldOffice office(options);
  HttpClient client(office.ingress->port());
  const std::vector<std::pair<Error, std::string>> errors{
      {Error::storage_full, "queue_full"}, {Error::storage_error, "storage_error"},
      {Error::not_durable, "not_durable"}, {Error::unavailable, "unavailable"},
      {Error::fenced, "fenced"},           {Error::stopped, "stopping"},
      {Error::bad_options, "other"}};
  for (const auto& [error, reason] : errors) {
    client.send(callback(good_body));
    office.accept.take(1)[0].done(error, {});
    CHECK(client.read().status == 503);
    CHECK(count(office.ingress->status(), 503, reason) == 1);
  }
  client.send(callback(good_body));
  auto late = office.accept.take(1);
  CHECK(client.read().status == 503);
  CHECK(count(office.ingress->status(), 503, "flush_overdue") == 1);
  late[0].done({}, Receipt{1, 1, {}});
  CHECK(office.ingress->status().refused == errors.size() + 1);
}

TEST_CASE("callbacks are timed, each once, in the order of their answers; nothing else is") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 200ms;
  options.threads = 2;
  HeldOffice office(options);
  const auto durations = [&] { return office.ingress->status().durations; };
  HttpClient client(office.ingress->port());
  client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(durations().count == 0);
  // The refusal is ready at once, but its turn comes after the answer that is too late.
  client.send(callback(good_body) + callback("wrong"));
  auto late = office.accept.take(1);
  CHECK(client.read().status == 503);
  CHECK(client.read().status == 400);
  REQUIRE(eventually([&] { return durations().count == 2; }));
  CHECK(durations().sum >= 0.4);
  CHECK(durations().counts.front() == 0);
  late[0].done({}, Receipt{1, 1, {}});

  // On other connections, and so on both threads: they are added up.
  for (std::uint64_t n = 0; n < 16; ++n) {
    HttpClient other(office.ingress->port());
    other.send(callback(good_body));
    office.accept.take(1)[0].done({}, Receipt{1, 2 + n, {}});
    CHECK(other.read().status == 202);
  }
  CHECK(eventually([&] { return durations().count == 18; }));
}

}  // namespace test
