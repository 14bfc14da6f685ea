#include "commands/top/look.hpp"

#include <algorithm>

namespace postofficed::top {
namespace {

Failure unavailable(std::string why) { return {ExitCode::unavailable, std::move(why)}; }

/// `/healthz` is 503 whenever something is wrong; that is no failure to answer.
Result<JsonValue> read(const HttpExchange& page, const std::string& address) {
  if (!page.ended()) return unavailable("no answer within the time");
  const auto& answer = page.answer();
  if (answer.status == 0) return unavailable(answer.problem);
  if (answer.status == 401 || answer.status == 403) {
    return unavailable("the daemon at " + address +
                       " wants its admin token: give --admin-token-file FILE, or the daemon's own "
                       "--data-dir, whose file admin-token holds it");
  }
  if (answer.status != 200 && answer.status != 503) {
    return unavailable("HTTP " + std::to_string(answer.status) + " from " + address +
                       ": is that the admin listener of postofficed?");
  }
  auto value = JsonValue::parse(answer.body);
  if (!value) return unavailable("what " + address + " answers is not JSON");
  return *std::move(value);
}

}  // namespace

Look::Look(const Target& target)
    : status_(target.address, get_request(target.address, "/status", target.token)),
      health_(target.address, get_request(target.address, "/healthz", target.token)),
      address_(target.address) {}

std::vector<pollfd> Look::waits_for() const {
  std::vector<pollfd> places;
  for (const HttpExchange* page : {&status_, &health_}) {
    if (!page->ended()) places.push_back({page->descriptor(), page->events(), 0});
  }
  return places;
}

bool Look::advance() {
  for (HttpExchange* page : {&status_, &health_}) {
    if (page->ended()) continue;
    pollfd place{page->descriptor(), page->events(), 0};
    if (poll(&place, 1, 0) > 0) page->advance();
  }
  return (status_.ended() && health_.ended()) || Clock::now() >= deadline();
}

Result<Sample> Look::take() const {
  const auto status = read(status_, address_);
  if (!status) return status.error();
  const auto health = read(health_, address_);
  if (!health) return health.error();
  if (status->members().empty()) {
    return unavailable("what " + address_ + " answers is not a postofficed's /status");
  }
  return read_sample(*status, *health);
}

Result<Sample> look_at(const Target& target) {
  Look look(target);
  while (!look.advance()) {
    auto places = look.waits_for();
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(look.deadline() - Look::Clock::now());
    poll(places.data(), places.size(), std::max(0, static_cast<int>(left.count())));
  }
  return look.take();
}

}  // namespace postofficed::top
