// Answers come with what the queue says, in the order of the requests.
#include "http/server/office.hpp"

namespace test {

TEST_CASE("completions in any order, answers in the order of the requests") {
  HeldOffice office;
  HttpClient client(office.ingress->port());
  client.send(callback(R"({"object_ids":[0]})") + callback("wrong") +
              callback(R"({"object_ids":[1]})") + callback(R"({"object_ids":[2]})"));
  auto held = office.accept.take(3);
  held[2].done({}, Receipt{1, 12, {}});
  held[1].done({}, Receipt{1, 11, {}});
  CHECK_FALSE(client.readable(50ms));
  held[0].done({}, Receipt{1, 10, {}});
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 10, {}}));
  CHECK(client.read().status == 400);
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 11, {}}));
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 12, {}}));
}

TEST_CASE(
    "what the queue cannot store, or not in time, is 503; a late completion changes nothing") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 100ms;
  HeldOffice office(options);
  HttpClient client(office.ingress->port());
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::storage_full, {});
  Response response = client.read();
  check_problem(response, 503, "no space left");
  CHECK(response.fields.at("retry-after") == "1");

  client.send(callback(good_body));
  auto late = office.accept.take(1);
  response = client.read();
  check_problem(response, 503, "in time");
  CHECK(response.fields.at("retry-after") == "1");
  late[0].done({}, Receipt{1, 1, {}});
  client.send(callback(good_body));
  office.accept.take(1)[0].done({}, Receipt{1, 2, {}});
  CHECK(client.read().fields.at("postoffice-receipt") == to_string(Receipt{1, 2, {}}));
  CHECK(office.ingress->status().refused == 2);
  CHECK(office.ingress->status().accepted == 1);
}

TEST_CASE("the answer to a callback that was not stored has the queue's own reason, if any") {
  HttpIngressOptions options = on_free_port();
  options.accept_timeout = 100ms;
  std::string words = "the broker says 403";
  options.why_not = [&] { return words; };
  HeldOffice office(options);
  HttpClient client(office.ingress->port());
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::unavailable, {});
  check_problem(client.read(), 503, "the broker says 403");
  client.send(callback(good_body));
  auto late = office.accept.take(1);
  check_problem(client.read(), 503, "in time: the broker says 403");
  late[0].done({}, Receipt{1, 1, {}});
  words.clear();
  client.send(callback(good_body));
  office.accept.take(1)[0].done(postoffice::Error::storage_full, {});
  check_problem(client.read(), 503, "no space left");
}

TEST_CASE("completions may come after the client, and after the ingress") {
  HeldOffice office;
  std::optional<HttpClient> client(std::in_place, office.ingress->port());
  client->send(callback(good_body) + callback(good_body));
  auto held = office.accept.take(2);
  client.reset();
  CHECK(eventually([&] { return office.ingress->status().connections == 0; }));
  held[0].done({}, {});
  office.ingress.reset();
  held[1].done({}, {});
}

}  // namespace test
