#include "http/server/page_service.hpp"

#include <asio/post.hpp>
#include <utility>

#include "http/server/connection.hpp"
#include "http/server/percent.hpp"
#include "http/server/server_loop.hpp"
#include "http/server/target.hpp"

namespace postoffice::http {

void ResponseGate::post(std::function<void()> task) {
  const std::lock_guard lock(posting_);
  if (context_ != nullptr) asio::post(*context_, std::move(task));
}

void ResponseGate::run(const std::function<void()>& task) {
  const std::lock_guard lock(running_);
  if (context_ != nullptr) task();
}

void ResponseGate::close() {
  const std::scoped_lock lock(running_, posting_);
  context_ = nullptr;
}

PageService::PageService(HttpServer::Handler handler, std::shared_ptr<ResponseGate> gate)
    : handler_(std::move(handler)), gate_(std::move(gate)) {}

void PageService::release(Exchange& exchange) {
  const std::unique_ptr<PageExchange> owner(static_cast<PageExchange*>(&exchange));
  if (owner->self) *owner->self = nullptr;
}

void PageService::handle(Exchange& exchange, const Request& request) {
  auto& page = static_cast<PageExchange&>(exchange);
  page.self = std::make_shared<PageExchange*>(&page);
  HttpRequest given;
  const Target target = split_target(request.target);
  given.method = request.method;
  given.path = percent_decoded(target.path, false);
  given.query = target.query;
  given.body = request.body;
  given.head = request.head;
  // The handler is the user's; the gate keeps it from being called once the server has stopped.
  gate_->run([&] {
    auto used = std::make_shared<std::atomic_flag>();
    handler_(std::move(given),
             [gate = gate_, self = page.self, used, loop = loop_](HttpResponse response) {
               if (used->test_and_set()) return;
               gate->post([self, loop, response = std::move(response)] {
                 if (*self == nullptr) return;
                 respond(**self, response);
                 loop->run_batch();
               });
             });
  });
}

void PageService::respond(PageExchange& exchange, const HttpResponse& response) {
  ResponseHead head;
  head.status = response.status;
  head.date = exchange.connection->date();
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) head.content_type = response.content_type;
  head.body_size = response.body.size();
  head.persistence = exchange.connection->persistence_of(exchange);
  head.keep_alive = exchange.connection->keep_alive();
  head.fields = &response.headers;
  append_head(exchange.text, head);
  if (!exchange.head_only && !bodiless) exchange.text += response.body;
  exchange.connection->answer(exchange);
}

}  // namespace postoffice::http
