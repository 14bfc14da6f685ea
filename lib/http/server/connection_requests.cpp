// The requests in the bytes of a connection, and the responses to them.
#include <string>

#include "http/server/connection.hpp"

namespace postoffice::http {

void Connection::keep(std::string_view rest) {
  if (stop_reading_) return;
  if (!input_.keep(rest)) refuse(Reply::overloaded, "too many requests are being received");
}

void Connection::process_kept() {
  if (!input_.keeps_any()) return;
  const std::size_t used = process(input_.kept());
  stop_reading_ ? input_.drop_kept() : input_.drop_kept(used);
}

// Takes every complete request out of `bytes`; returns how much that was.
std::size_t Connection::process(std::string_view bytes) {
  std::size_t used = 0;
  held_back_ = false;
  while (!stop_reading_ && used < bytes.size()) {
    used += input_.empty_lines(bytes.substr(used));
    if (used == bytes.size()) break;
    held_back_ = is_full();
    if (held_back_ || !process_one(bytes.substr(used), used)) break;
    phase_.enter(Phase::idle, context_.now);
  }
  // An empty line came in two pieces.
  if (used == bytes.size() && phase_.is(Phase::head)) phase_.take_back_head();
  return used;
}

bool Connection::process_one(std::string_view bytes, std::size_t& used) {
  const RequestReader& reader = input_.reader();
  switch (input_.read(bytes)) {
    case RequestReader::Step::more: return false;
    case RequestReader::Step::proceed:
      if (context_.service.wants_body(reader.request())) {
        proceed();
      } else {
        dispatch(false);
      }
      return false;
    case RequestReader::Step::complete:
      used += reader.size();
      dispatch(true);
      input_.next();
      return true;
    case RequestReader::Step::refused: break;
  }
  refuse(reader.status(), reader.reason());
  return false;
}

// --- Responses -------------------------------------------------------------------------------

void Connection::proceed() {
  Exchange& exchange = begin_exchange();
  exchange.text = "HTTP/1.1 100 Continue\r\n\r\n";
  answer(exchange);
}

void Connection::dispatch(bool complete) {
  const Request& request = input_.reader().request();
  Exchange& exchange = begin_exchange();
  exchange.version_is_1_0 = request.version_is_1_0;
  exchange.head_only = request.method == "HEAD";
  exchange.close_after = !complete || !request.keep_alive;
  stop_reading_ = stop_reading_ || exchange.close_after;
  context_.service.handle(exchange, request);
}

// What comes behind a request that was not understood, or not read, cannot be understood either.
void Connection::refuse(Reply reply, std::string_view detail) {
  stop_reading_ = true;
  input_.drop_kept();
  context_.service.refused(reply);
  Exchange& exchange = begin_exchange();
  exchange.close_after = true;
  const int status = kind_of(reply).status;
  answer_problem(exchange, status, detail, status == 503 ? "Retry-After: 1\r\n" : "");
}

void Connection::refuse(int status, std::string_view detail) {
  refuse(reply_of_status(status), detail);
}

Exchange& Connection::begin_exchange() {
  Exchange& exchange = *context_.service.acquire();
  exchange.connection = this;
  responses_.push(exchange);
  return exchange;
}

Persistence Connection::persistence_of(Exchange& exchange) {
  if (phase_.stopping() && responses_.is_last(exchange) && !input_.keeps_any()) {
    exchange.close_after = stop_reading_ = true;
  }
  if (exchange.close_after) return Persistence::close;
  return exchange.version_is_1_0 ? Persistence::keep_alive_1_0 : Persistence::implied;
}

void Connection::answer_problem(Exchange& exchange, int status, std::string_view detail,
                                std::string_view raw_fields) {
  const std::string body = problem_json(status, detail);
  ResponseHead head;
  head.status = status;
  head.date = date();
  head.content_type = "application/problem+json";
  head.body_size = body.size();
  head.persistence = persistence_of(exchange);
  head.keep_alive = keep_alive();
  head.raw_fields = raw_fields;
  exchange.text.clear();
  append_head(exchange.text, head);
  if (!exchange.head_only) exchange.text += body;
  answer(exchange);
}

}  // namespace postoffice::http
