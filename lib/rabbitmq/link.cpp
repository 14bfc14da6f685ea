#include "rabbitmq/link.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace postoffice::rabbitmq {
namespace {

constexpr auto first_pause = std::chrono::milliseconds(50);
constexpr auto proven_after = std::chrono::seconds(5);

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

Link::Link(Settings settings) : settings_(std::move(settings)), wake_(make_wake()) {}

Link::~Link() {
  stop();
  ::close(wake_);
}

void Link::start() {
  thread_ = std::thread([this] { run(); });
}

void Link::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (current_ != nullptr) current_->abort();
  }
  wake();
  if (thread_.joinable()) thread_.join();
}

void Link::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

std::string Link::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Link::give_up(const std::string& why) {
  if (given_up_.empty()) given_up_ = why;
}

void Link::say(LogLevel level, const std::string& message) const {
  if (settings_.log) settings_.log(level, "broker: " + settings_.name + ": " + message);
}

void Link::run() {
  auto pause = std::chrono::milliseconds(first_pause);
  while (!stopping_) {
    const auto began = std::chrono::steady_clock::now();
    std::string trouble;
    {
      Connection connection;
      if (open(connection, trouble)) {
        work(connection, trouble);
        // Who is thrown out at once is not to come back at once, again and again.
        if (std::chrono::steady_clock::now() > began + proven_after) pause = first_pause;
        disconnected();
      }
      const std::lock_guard lock(mutex_);
      current_ = nullptr;
    }
    if (stopping_) break;
    note(trouble);
    wait(nullptr, began + pause);
    pause = std::min(2 * pause, settings_.reconnect_max);
  }
}

bool Link::open(Connection& connection, std::string& trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    current_ = &connection;
  }
  return connection.open(address_now(), settings_.heartbeat, trouble) &&
         set_up(connection, trouble);
}

/// A URL that cannot be read is not taken: the old one may still do.
Address Link::address_now() const try {
  return settings_.url_now ? parse_amqp_url(settings_.url_now()) : settings_.address;
} catch (const std::invalid_argument&) {
  return settings_.address;
}

void Link::work(Connection& connection, std::string& trouble) {
  note({});
  ++connects_;
  given_up_.clear();
  connected(std::chrono::steady_clock::now());
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    if (!connection.receive(*this, now, trouble)) return;
    auto next = step(connection, now);
    if (!given_up_.empty()) return trouble = given_up_, void();
    if (!connection.tend(now, next, trouble) || !connection.send(now, trouble)) return;
    wait(&connection, next);
  }
}

/// Until the broker says something, takes something, somebody wakes us, or it is time.
void Link::wait(Connection* connection, SteadyTime until) {
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
    // While we wait to connect again there is nothing else to do.
    if (connection != nullptr || std::chrono::steady_clock::now() >= until) break;
  }
}

void Link::note(const std::string& trouble) {
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(trouble_, trouble);
  }
  if (before == trouble) return;
  if (trouble.empty()) return say(LogLevel::info, "connected to " + to_string(settings_.address));
  say(LogLevel::warning, trouble + "; trying again");
}

}  // namespace postoffice::rabbitmq
