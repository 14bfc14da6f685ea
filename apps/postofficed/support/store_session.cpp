#include "support/store_session.hpp"

#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "postoffice/error.hpp"
#include "support/stores.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;
constexpr auto pause = 100ms;

}  // namespace

StoreSession::StoreSession(const StoreLocation& location) : location_(location) {}

StoreSession::~StoreSession() {
  loop_.stop();
  store_.reset();
}

Failure StoreSession::open() {
  const bool file = location_.kind == StoreLocation::Kind::sqlite;
  std::error_code error;
  if (file && !std::filesystem::exists(location_.target, error)) {
    return unavailable(error ? error.message() : "no such file");
  }
  auto store = make_store(location_, false, loop_, warning_.log());
  if (!store) return std::move(store).error();
  store_ = *std::move(store);
  loop_.start();
  return {};
}

Failure StoreSession::unavailable(const std::string& reason) const {
  return {ExitCode::unavailable, describe(location_) + ": " + reason};
}

template <typename Value, typename Call>
Result<Value> StoreSession::wait_for(const Call& call) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::error_code error = postoffice::Error::timed_out;
  while (std::chrono::steady_clock::now() < deadline) {
    // Shared, since the answer may come after the wait has ended.
    const auto answer = std::make_shared<std::promise<std::pair<std::error_code, Value>>>();
    auto future = answer->get_future();
    call([answer](std::error_code code, Value value) {
      answer->set_value({code, std::move(value)});
    });
    if (future.wait_until(deadline) != std::future_status::ready) break;
    auto [code, value] = future.get();
    if (!code) return std::move(value);
    error = code;
    if (error != postoffice::Error::unavailable) break;
    std::this_thread::sleep_for(pause);
  }
  const auto why = warning_.get();
  return unavailable(why.empty() ? error.message() : why);
}

Result<std::vector<postoffice::DeadLetter>> StoreSession::find_dead_letters(
    const postoffice::DeadLetterQuery& query) {
  return wait_for<std::vector<postoffice::DeadLetter>>(
      [&](auto done) { store_->find_dead_letters(query, done); });
}

Failure StoreSession::apply(const postoffice::Changes& changes) {
  auto applied = wait_for<postoffice::Applied>([&](auto done) { store_->apply(changes, done); });
  return applied ? Failure() : std::move(applied).error();
}

}  // namespace postofficed
