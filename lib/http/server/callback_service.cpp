#include "http/server/callback_service.hpp"

#include <cassert>
#include <utility>

#include "codec/receipt_text.hpp"
#include "http/server/connection.hpp"
#include "http/server/target.hpp"

namespace postoffice::http {
namespace {

constexpr std::size_t free_tickets_max =
    8 * 1024;  // as many as pipelined requests may have under way
constexpr std::string_view retry_soon = "Retry-After: 1\r\n";

}  // namespace

CallbackService::CallbackService(CallbackLimits limits, Ingress::Accept accept,
                                 std::function<void()> wake)
    : limits_(std::move(limits)),
      accept_(std::move(accept)),
      completions_(*new Completions(std::move(wake))),
      parser_(limits_.ids_max) {
  free_.reserve(free_tickets_max);
}

CallbackService::~CallbackService() {
  completions_.close();
  for (Ticket* ticket : free_) delete ticket;
}

Exchange* CallbackService::acquire() {
  if (free_.empty()) return new Ticket;
  Ticket* const ticket = free_.back();
  free_.pop_back();
  return ticket;
}

void CallbackService::release(Exchange& exchange) {
  auto& ticket = static_cast<Ticket&>(exchange);
  if (ticket.timed && ticket.ready) times_.answered(ticket.begun);
  ticket.timed = false;
  if (!ticket.awaited) recycle(ticket);
}

void CallbackService::recycle(Ticket& ticket) {
  if (free_.size() == free_tickets_max) {
    delete &ticket;
    return;
  }
  ticket.next = nullptr;
  ticket.ready = ticket.close_after = ticket.version_is_1_0 = ticket.head_only = false;
  ticket.text.clear();
  free_.push_back(&ticket);
}

bool CallbackService::wants_body(const Request& head) {
  return split_target(head.target).path == limits_.path && head.method == "POST" &&
         head.content_coding.empty();
}

void CallbackService::handle(Exchange& exchange, const Request& request) {
  auto& ticket = static_cast<Ticket&>(exchange);
  if (calls_nobody_) {
    return answer_problem(ticket, Reply::stopping, "the server is stopping", retry_soon);
  }
  if (split_target(request.target).path != limits_.path) return answer_elsewhere(ticket, request);
  if (request.method != "POST") {
    return answer_problem(ticket, Reply::wrong_method, "send callbacks with POST",
                          "Allow: POST\r\n");
  }
  ticket.timed = true;
  ticket.begun = ticket.connection->now();
  handle_callback(ticket, request);
}

void CallbackService::handle_callback(Ticket& ticket, const Request& request) {
  if (!request.content_coding.empty()) {
    return answer_problem(ticket, Reply::encoded,
                          "the body is encoded as " + std::string(request.content_coding) +
                              "; send callbacks without Content-Encoding",
                          "Accept-Encoding: identity\r\n");
  }
  switch (parser_.parse(request.body)) {
    case CallbackVerdict::good: return accept_callback(ticket);
    case CallbackVerdict::too_many:
      return answer_problem(ticket, Reply::too_many_ids, parser_.reason());
    case CallbackVerdict::malformed:
      return answer_problem(ticket, parser_.not_json() ? Reply::not_json : Reply::bad_ids,
                            parser_.reason());
  }
}

void CallbackService::answer_elsewhere(Ticket& ticket, const Request& request) {
  const bool ready_page = limits_.not_ready && split_target(request.target).path == "/readyz";
  if (!ready_page)
    return answer_problem(ticket, Reply::no_such_path, "send callbacks to " + limits_.path);
  if (request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS") {
    return answer_ready(ticket);
  }
  answer_problem(ticket, Reply::wrong_method, "/readyz is read-only",
                 "Allow: GET, HEAD, OPTIONS\r\n");
}

// A probe is not a callback: it counts neither as accepted nor as refused.
void CallbackService::answer_ready(Ticket& ticket) {
  const std::string reason = limits_.not_ready();
  if (!reason.empty()) return ticket.connection->answer_problem(ticket, 503, reason, retry_soon);
  constexpr std::string_view body = "{\"ready\":true}\n";
  ResponseHead head;
  head.date = ticket.connection->date();
  head.content_type = "application/json";
  head.body_size = body.size();
  head.persistence = ticket.connection->persistence_of(ticket);
  append_head(ticket.text, head);
  if (!ticket.head_only) ticket.text += body;
  ticket.connection->answer(ticket);
}

void CallbackService::accept_callback(Ticket& ticket) {
  if (awaited_ >= limits_.awaited_max) {
    return answer_problem(ticket, Reply::overloaded, "too many callbacks wait for the queue",
                          retry_soon);
  }
  ticket.home = &completions_;
  ticket.awaited = true;
  ++awaited_;
  watch(ticket);
  completions_.ticket_goes_out();
  accept_(parser_.ids(), [&ticket](std::error_code error, const Receipt& receipt) {
    ticket.home->complete(ticket, error, receipt);
  });
}

void CallbackService::batch_done() {
  for (Ticket* ticket = completions_.take_all(); ticket != nullptr;) {
    complete(*std::exchange(ticket, ticket->next_completed));
  }
}

void CallbackService::complete(Ticket& ticket) {
  ticket.awaited = false;
  --awaited_;
  if (ticket.watched) unwatch(ticket);
  if (ticket.connection == nullptr) return recycle(ticket);
  // A callback that is late is refused in order: none before it has a later deadline.
  assert(!ticket.ready);
  if (ticket.error) {
    return answer_problem(ticket, reply_of_error(ticket.error), not_stored(ticket.error),
                          retry_soon);
  }
  answer_accepted(ticket);
}

std::string CallbackService::why_not() const {
  return limits_.why_not && !calls_nobody_ ? limits_.why_not() : std::string();
}

std::string CallbackService::not_stored(std::error_code error) const {
  const auto why = why_not();
  return "the callback was not stored: " + (why.empty() ? error.message() : why);
}

void CallbackService::answer_accepted(Ticket& ticket) {
  counts_.add(Reply::accepted);
  std::string& text = ticket.text;
  text = "HTTP/1.1 202 Accepted\r\n";
  text += ticket.connection->date();
  text += "Postoffice-Receipt: ";
  text += codec::ReceiptText(ticket.receipt).view();
  text += "\r\nContent-Length: 0\r\n";
  const Persistence persistence = ticket.connection->persistence_of(ticket);
  text +=
      persistence == Persistence::close ? "Connection: close\r\n" : ticket.connection->keep_alive();
  if (persistence == Persistence::keep_alive_1_0) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  ticket.connection->answer(ticket);
}

void CallbackService::answer_problem(Ticket& ticket, Reply reply, std::string_view detail,
                                     std::string_view raw_fields) {
  counts_.add(reply);
  ticket.connection->answer_problem(ticket, kind_of(reply).status, detail, raw_fields);
}

// All deadlines are equally far away, so those watched are sorted by them.
void CallbackService::tick(std::chrono::steady_clock::time_point now) {
  while (oldest_ != nullptr && oldest_->deadline <= now) {
    Ticket& late = *oldest_;
    unwatch(late);
    if (late.connection == nullptr) continue;
    const auto why = why_not();
    answer_problem(
        late, Reply::flush_overdue,
        "the callback could not be made durable in time" + (why.empty() ? "" : ": " + why),
        retry_soon);
  }
}

void CallbackService::watch(Ticket& ticket) {
  ticket.watched = true;
  ticket.deadline = ticket.connection->now() + limits_.accept_timeout;
  ticket.newer = nullptr;
  ticket.older = newest_;
  (newest_ == nullptr ? oldest_ : newest_->newer) = &ticket;
  newest_ = &ticket;
}

void CallbackService::unwatch(Ticket& ticket) {
  ticket.watched = false;
  (ticket.older == nullptr ? oldest_ : ticket.older->newer) = ticket.newer;
  (ticket.newer == nullptr ? newest_ : ticket.newer->older) = ticket.older;
}

}  // namespace postoffice::http
