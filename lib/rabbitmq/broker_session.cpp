#include "rabbitmq/broker_session.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <random>
#include <system_error>
#include <utility>

#include "base/backoff.hpp"
#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr auto first_pause = std::chrono::milliseconds(50);
constexpr auto proven_after = std::chrono::seconds(5);
constexpr auto leave_limit = std::chrono::milliseconds(300);

int make_wake() {
  const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  return descriptor;
}

timespec until_then(SteadyTime then) {
  const auto span = std::clamp<std::chrono::nanoseconds>(
      then - std::chrono::steady_clock::now(), std::chrono::nanoseconds(0), std::chrono::hours(1));
  return {static_cast<time_t>(span.count() / 1'000'000'000), span.count() % 1'000'000'000};
}

}  // namespace

BrokerSession::BrokerSession(Settings settings)
    : wake_(make_wake()), settings_(std::move(settings)) {
  // So that not all clients begin with the same node.
  std::random_device random;
  host_ = random() % settings_.address.hosts.size();
}

BrokerSession::~BrokerSession() {
  stop();
  ::close(wake_);
}

void BrokerSession::start() {
  thread_ = std::thread([this] { run(); });
}

void BrokerSession::stop() {
  {
    const LockGuard lock(mutex_);
    stopping_ = true;
    if (current_ != nullptr && !working_) current_->abort();
  }
  wake();
  assert(thread_.get_id() != std::this_thread::get_id() && "destroyed inside a completion");
  if (thread_.joinable()) thread_.join();
}

void BrokerSession::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

std::string BrokerSession::why_disconnected() const {
  const LockGuard lock(mutex_);
  return why_disconnected_;
}

void BrokerSession::give_up(const std::string& why) {
  if (given_up_.empty()) given_up_ = why;
}

void BrokerSession::say(LogLevel level, const std::string& message) const {
  if (settings_.log) settings_.log(level, "broker: " + settings_.name + ": " + message);
}

void BrokerSession::run() {
  Backoff<std::chrono::milliseconds> pause(first_pause, settings_.reconnect_max);
  while (!stopping_) {
    const auto began = std::chrono::steady_clock::now();
    Attempt last;
    // One node that answers is enough.
    for (std::size_t tried = 0; tried < settings_.address.hosts.size(); ++tried) {
      last = attempt();
      if (last.opened || stopping_) break;
      host_ = (host_ + 1) % settings_.address.hosts.size();
    }
    if (stopping_) break;
    // A client that is thrown out at once must not come back at once, over and over.
    if (last.opened && std::chrono::steady_clock::now() > began + proven_after) pause.reset();
    note(last.end.message);
    wait(nullptr, began + pause.next());
  }
}

/// One connection, from beginning to end.
BrokerSession::Attempt BrokerSession::attempt() {
  Connection connection;
  auto end = open(connection, settings_.address.hosts[host_]);
  const bool opened = !end;
  if (opened) {
    end = work(connection);
    // A node may accept connections although it is cut off from the nodes it needs.
    const bool good = proven_ && given_up_.empty();
    if (!good) host_ = (host_ + 1) % settings_.address.hosts.size();
    disconnected();
    if (stopping_) close_politely(connection);
  } else if (settings_.address.hosts.size() > 1) {
    end.message = settings_.address.host + ": " + end.message;
  }
  const LockGuard lock(mutex_);
  current_ = nullptr;
  working_ = false;
  return {opened, std::move(end)};
}

Failure BrokerSession::open(Connection& connection, const Host& host) {
  settings_.address.host = host.name;
  settings_.address.port = host.port;
  {
    const LockGuard lock(mutex_);
    if (stopping_) return Error::stopped;
    current_ = &connection;
  }
  if (auto failure = connection.open(address_now(), settings_.heartbeat)) return failure;
  return set_up(connection);
}

/// The host stays that of the list; all else is read again. A URL that cannot be parsed is ignored:
/// the old one may still work.
Address BrokerSession::address_now() const {
  Address address = settings_.address;
  if (settings_.url_now) {
    if (auto now = parse_amqp_url(settings_.url_now())) address = *std::move(now);
  }
  address.host = settings_.address.host;
  address.port = settings_.address.port;
  return address;
}

/// Closes politely, for a moment. What the broker still says is ignored.
void BrokerSession::close_politely(Connection& connection) {
  struct Nobody final : FrameSink {
  } nobody;
  put_close(connection.out());
  const auto until = std::chrono::steady_clock::now() + leave_limit;
  for (auto now = until - leave_limit; now < until; now = std::chrono::steady_clock::now()) {
    if (connection.send(now) || connection.receive(nobody, now)) return;
    pollfd descriptor{connection.socket(), POLLIN, 0};
    if (connection.unsent() > 0) descriptor.events |= POLLOUT;
    const auto span = until_then(until);
    if (::ppoll(&descriptor, 1, &span, nullptr) < 0) return;
  }
}

Failure BrokerSession::work(Connection& connection) {
  {
    const LockGuard lock(mutex_);
    working_ = true;
  }
  ++connects_;
  given_up_.clear();
  proven_ = false;
  connected(std::chrono::steady_clock::now());
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    if (auto failure = connection.receive(*this, now)) return failure;
    auto next = step(connection, now);
    if (!given_up_.empty()) return {Error::unavailable, given_up_};
    if (auto failure = connection.keep_alive(now, next)) return failure;
    if (auto failure = connection.send(now)) return failure;
    wait(&connection, next);
  }
  return Error::stopped;
}

/// Until the socket is readable or writable, wake() is called, or it is time.
void BrokerSession::wait(Connection* connection, SteadyTime until) {
  pollfd descriptors[2] = {{wake_, POLLIN, 0}, {-1, 0, 0}};
  if (connection != nullptr) {
    const bool write = connection->unsent() > 0;
    descriptors[1] = {connection->socket(), static_cast<short>(POLLIN | (write ? POLLOUT : 0)), 0};
  }
  while (!stopping_) {
    const auto span = until_then(until);
    if (::ppoll(descriptors, 2, &span, nullptr) < 0) break;
    std::uint64_t count = 0;
    if (descriptors[0].revents != 0) {
      [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
    }
    // Between connections a wake-up means nothing, unless it is time or the session stops.
    if (connection != nullptr || std::chrono::steady_clock::now() >= until) break;
  }
}

void BrokerSession::proven() {
  proven_ = true;
  note({});
}

void BrokerSession::tell(const std::vector<std::string>& notes) {
  std::string all;
  for (const auto& note : notes) all += (all.empty() ? "" : "; ") + note;
  if (all == std::exchange(told_, all) || all.empty()) return;
  say(LogLevel::warning, all);
}

void BrokerSession::note(const std::string& reason) {
  std::string before;
  {
    const LockGuard lock(mutex_);
    before = std::exchange(why_disconnected_, reason);
  }
  if (before == reason) return;
  if (reason.empty()) return say(LogLevel::info, "connected to " + to_string(settings_.address));
  say(LogLevel::warning, reason + "; trying again");
}

}  // namespace postoffice::rabbitmq
