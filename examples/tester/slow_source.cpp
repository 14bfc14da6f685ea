#include "slow_source.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace tester {
namespace {

constexpr std::string_view objects_path = "/objects/";
constexpr int never = 0;  // the status of a fetch that hangs
constexpr int too_many = 503;

postoffice::HttpResponse text_response(int status, std::string text) {
  postoffice::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

postoffice::HttpResponse object_response(std::int64_t id) {
  postoffice::HttpResponse response;
  response.body =
      "{\"id\":" + std::to_string(id) + ",\"online\":" + (id % 2 == 0 ? "true" : "false") + "}";
  return response;
}

postoffice::HttpServerOptions server_options(const Options& options) {
  postoffice::HttpServerOptions server;
  server.listen = options.listen;
  return server;
}

}  // namespace

SlowSource::SlowSource(const Options& options, Totals& totals, Record& record)
    : options_(options),
      totals_(totals),
      record_(record),
      random_(options.seed ^ 0x9e3779b97f4a7c15u),
      clock_(loop_),
      started_(clock_.now()),
      server_(loop_, server_options(options),
              [this](postoffice::HttpRequest request, postoffice::HttpServer::Respond respond) {
                handle(request, std::move(respond));
              }) {}

SlowSource::~SlowSource() {
  server_.stop();
  loop_.stop();
}

std::error_code SlowSource::start() {
  loop_.start();
  return server_.start();
}

void SlowSource::handle(const postoffice::HttpRequest& request,
                        postoffice::HttpServer::Respond respond) {
  if (!request.path.starts_with(objects_path)) return respond(text_response(404, "not found\n"));
  const std::string text = request.path.substr(objects_path.size());
  std::int64_t id = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return respond(text_response(400, "invalid id\n"));
  }
  ++totals_.requests;
  const int status = choose_status();
  record_.fetch(id, wall_clock(), status);
  if (status == too_many) return respond(text_response(status, "too many at a time\n"));
  answer_later(id, status, std::move(respond));
}

std::size_t SlowSource::capacity() const {
  if (options_.capacity_change.count() == 0) return options_.capacity;
  const auto changes = (clock_.now() - started_) / options_.capacity_change;
  return changes % 2 == 0 ? options_.capacity : std::max<std::size_t>(1, options_.capacity / 2);
}

int SlowSource::choose_status() {
  if (options_.capacity != 0 && in_flight_ >= capacity()) return too_many;
  double roll = std::uniform_real_distribution<double>(0, 100)(random_);
  if (roll < options_.fail_percent) return 500;
  roll -= options_.fail_percent;
  if (roll < options_.hang_percent) return never;
  roll -= options_.hang_percent;
  return roll < options_.not_found_percent ? 404 : 200;
}

void SlowSource::answer_later(std::int64_t id, int status,
                              postoffice::HttpServer::Respond respond) {
  std::chrono::microseconds latency = options_.latency_min;
  if (const auto spread = options_.latency_spread.count(); spread > 0) {
    latency += std::chrono::microseconds(
        std::uniform_int_distribution<std::int64_t>(0, spread - 1)(random_));
  }
  // No client waits that long; the connection stays open until then.
  if (status == never) latency = std::chrono::hours(1);
  ++in_flight_;
  clock_.call_at(clock_.now() + latency, [this, id, status, respond = std::move(respond)] {
    --in_flight_;
    if (status != never) ++totals_.answered;
    if (status == 404) return respond(text_response(404, "no such object\n"));
    if (status != 200) return respond(text_response(500, "out of order\n"));
    respond(object_response(id));
  });
}

}  // namespace tester
