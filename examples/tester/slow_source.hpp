// The source: knows every object, and answers with a delay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <system_error>

#include "http/server/http_server.hpp"
#include "options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "record.hpp"

namespace tester {

/// GET /objects/<id> → {"id":<id>,"online":<id is even>}, on a loop of its own, so that nothing the
/// sender does can delay an answer.
class SlowSource {
 public:
  SlowSource(const Options& options, Totals& totals, Record& record);
  ~SlowSource();

  std::error_code start();
  std::uint16_t port() const { return server_.port(); }

 private:
  void handle(const postoffice::HttpRequest& request, postoffice::HttpServer::Respond respond);
  void answer_later(std::int64_t id, int status, postoffice::HttpServer::Respond respond);
  int choose_status();
  std::size_t capacity() const;

  const Options& options_;
  Totals& totals_;
  Record& record_;
  std::mt19937_64 random_;     // used on the loop's thread only
  std::size_t in_flight_ = 0;  // the same
  postoffice::EventLoop loop_;
  postoffice::SystemClock clock_;
  const postoffice::Timestamp started_;
  postoffice::HttpServer server_;
};

}  // namespace tester
