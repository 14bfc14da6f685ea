// An ingress with a queue that accepts at once, or one that the test holds.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/server/held_accept.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/error.hpp"
#include "support/eventually.hpp"
#include "support/http_client.hpp"

namespace test {

using namespace std::chrono_literals;
using postoffice::HttpIngress;
using postoffice::HttpIngressOptions;
using postoffice::ObjectId;
using postoffice::Queue;
using postoffice::Receipt;
using postoffice::testing::eventually;

inline const std::string good_body = R"({"object_ids":[1,2,3]})";

inline HttpIngressOptions on_free_port() {
  HttpIngressOptions options;
  options.listen = "127.0.0.1:0";
  return options;
}

/// An ingress whose callbacks are accepted at once; it remembers their ids.
struct Office {
  explicit Office(HttpIngressOptions options = on_free_port()) : ingress(std::move(options)) {
    REQUIRE_FALSE(ingress.start([this](std::span<const ObjectId> ids, Queue::AppendDone done) {
      {
        const std::lock_guard lock(mutex);
        accepted.emplace_back(ids.begin(), ids.end());
      }
      done({}, Receipt{7, ++sequence, {}});
    }));
  }
  ~Office() {
    std::promise<void> stopped;
    ingress.stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  std::mutex mutex;
  std::vector<std::vector<ObjectId>> accepted;
  std::atomic<std::uint64_t> sequence{0};
  HttpIngress ingress;
};

struct HeldOffice {
  explicit HeldOffice(HttpIngressOptions options = on_free_port()) {
    ingress.emplace(std::move(options));
    REQUIRE_FALSE(ingress->start(accept.function()));
  }
  HeldAccept accept;
  std::optional<HttpIngress> ingress;
};

inline void check_problem(const Response& response, int status, const std::string& detail = {}) {
  CHECK(response.status == status);
  CHECK(response.fields.at("content-type") == "application/problem+json");
  CHECK(response.body.find("\"status\":" + std::to_string(status)) != std::string::npos);
  CHECK(response.body.find(R"("type":"about:blank")") != std::string::npos);
  CHECK(response.body.find(detail) != std::string::npos);
}

/// Sends `request` on a connection of its own, and expects it to be refused and the connection
/// closed.
inline void check_refused(std::uint16_t port, const std::string& request, int status,
                          const std::string& detail = {}) {
  INFO(request.substr(0, 200));
  HttpClient client(port);
  client.send(request);
  const Response response = client.read();
  check_problem(response, status, detail);
  CHECK(response.fields.at("connection") == "close");
  CHECK(client.ended());
}

inline std::string chunked(const std::vector<std::string>& chunks) {
  std::string text = "POST /callback HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    text += size + chunk + "\r\n";
  }
  return text + "0\r\n\r\n";
}

inline std::string ids_body(int count) {
  std::string body = R"({"object_ids":[0)";
  for (int id = 1; id < count; ++id) body += "," + std::to_string(id);
  return body + "]}";
}

}  // namespace test
