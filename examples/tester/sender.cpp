#include "sender.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace tester {
namespace {

struct Target {
  std::string host;
  std::string port = "80";
  std::string host_header;
  std::string path = "/";
};

Target parse_target(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) throw std::invalid_argument("--target must begin with http://");
  Target target;
  const auto slash = std::min(url.find('/', scheme.size()), url.size());
  target.host_header = url.substr(scheme.size(), slash - scheme.size());
  if (slash < url.size()) target.path = url.substr(slash);
  target.host = target.host_header;
  const auto bracket = target.host.find(']');
  const auto colon = target.host.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    target.port = target.host.substr(colon + 1);
    target.host.resize(colon);
  }
  if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
  if (target.host.empty()) throw std::invalid_argument("--target names no host");
  return target;
}

}  // namespace

Sender::Sender(asio::io_context& context, const Options& options, Totals& totals, Record& record)
    : context_(context),
      options_(options),
      totals_(totals),
      record_(record),
      random_(options.seed),
      beat_timer_(context),
      timeout_timer_(context) {
  const Target target = parse_target(options.target);
  head_ = "POST " + target.path + " HTTP/1.1\r\nHost: " + target.host_header +
          "\r\nUser-Agent: postoffice-tester\r\nContent-Type: application/json\r\n"
          "Content-Length: ";
  std::error_code error;
  endpoints_ = asio::ip::tcp::resolver(context).resolve(target.host, target.port, error);
  if (error) throw std::runtime_error("look up " + target.host + ": " + error.message());
}

void Sender::start(std::function<void()> finished) {
  finished_ = std::move(finished);
  started_ = Clock::now();
  beat();
  watch_timeouts();
}

void Sender::stop() {
  over_ = true;
  beat_timer_.cancel();
  check_finished();
}

void Sender::beat() {
  const auto now = Clock::now();
  if (options_.duration.count() != 0 && now - started_ >= options_.duration) return stop();
  // The rate is kept on average: callbacks missed by a late wake-up are sent now.
  const auto due = static_cast<std::uint64_t>((now - started_) / options_.interval) + 1;
  while (made_ < due) {
    if (options_.count != 0 && made_ == options_.count) return stop();
    auto post = make_post();
    unfinished_.push_back(post);
    ++totals_.sent;
    send(std::move(post));
  }
  Clock::time_point next = started_ + static_cast<std::int64_t>(made_) * options_.interval;
  next = std::max(next, now + Clock::duration(std::chrono::milliseconds(1)));
  if (options_.duration.count() != 0)
    next = std::min<Clock::time_point>(next, started_ + options_.duration);
  beat_timer_.expires_at(next);
  beat_timer_.async_wait([this](const std::error_code& error) {
    if (!error && !over_) beat();
  });
}

std::shared_ptr<Post> Sender::make_post() {
  auto post = std::make_shared<Post>();
  post->number = ++made_;
  post->ids.resize(std::uniform_int_distribution<std::size_t>(
      0, static_cast<std::size_t>(options_.ids_max))(random_));
  std::uniform_int_distribution<std::int64_t> any_id(0, options_.id_range - 1);
  std::string body = "{\"object_ids\":[";
  for (auto& id : post->ids) {
    id = any_id(random_);
    if (body.back() != '[') body += ',';
    body += std::to_string(id);
  }
  body += "]}";
  post->request = head_ + std::to_string(body.size()) + "\r\n\r\n" + body;
  post->sent_at = wall_clock();
  post->begun = Clock::now();
  return post;
}

void Sender::send(std::shared_ptr<Post> post) {
  if (!idle_.empty()) {
    const auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection->send(std::move(post));
  }
  if (connections_.size() >= static_cast<std::size_t>(options_.connections)) {
    return waiting_.push_back(std::move(post));
  }
  const auto connection = std::make_shared<SenderConnection>(
      context_, [this](SenderConnection& which, int status, const std::string& receipt,
                       bool reusable) { ended(which, status, receipt, reusable); });
  connections_.insert(connection);
  connection->send(std::move(post));
  connection->connect(endpoints_);
}

void Sender::ended(SenderConnection& connection, int status, const std::string& receipt,
                   bool reusable) {
  const auto self = connection.shared_from_this();
  if (const auto post = std::exchange(connection.post, nullptr)) {
    finish(*post, status, receipt, false);
  }
  if (reusable) {
    idle_.push_back(self);
  } else {
    connections_.erase(self);
    idle_.erase(std::remove(idle_.begin(), idle_.end(), self), idle_.end());
  }
  while (!waiting_.empty() && waiting_.front()->done) waiting_.pop_front();
  if (!waiting_.empty()) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    send(std::move(next));
  }
  check_finished();
}

void Sender::finish(Post& post, int status, const std::string& receipt, bool timed_out) {
  post.done = true;
  post.connection.reset();
  if (status >= 200 && status < 300) {
    ++totals_.accepted;
    record_.accepted(post.sent_at, wall_clock(), receipt, post.ids);
    return tell(post, std::to_string(status) + "  " + receipt);
  }
  record_.lost(post.sent_at, wall_clock(), status, post.ids);
  if (timed_out) {
    ++totals_.timed_out;
    tell(post, "timed out");
  } else if (status == 0) {
    ++totals_.failed;
    tell(post, "no connection");
  } else {
    ++totals_.refused;
    tell(post, std::to_string(status) + "  refused");
  }
}

void Sender::tell(const Post& post, const std::string& outcome) const {
  if (options_.fast()) return;
  const std::chrono::duration<double, std::milli> took = Clock::now() - post.begun;
  std::string ids;
  for (std::size_t i = 0; i < post.ids.size() && i < 8; ++i) {
    ids += (i == 0 ? "" : " ") + std::to_string(post.ids[i]);
  }
  if (post.ids.size() > 8) ids += " ...";
  std::printf("%s  #%llu  %zu ids [%s]  %s  %.1f ms\n", time_of_day().c_str(),
              static_cast<unsigned long long>(post.number), post.ids.size(), ids.c_str(),
              outcome.c_str(), took.count());
  std::fflush(stdout);
  record_.flush();
}

void Sender::watch_timeouts() {
  const auto now = Clock::now();
  while (!unfinished_.empty()) {
    const auto post = unfinished_.front();
    if (!post->done && now - post->begun < options_.timeout) break;
    unfinished_.pop_front();
    if (post->done) continue;
    const auto connection = post->connection;
    finish(*post, 0, {}, true);
    if (!connection) continue;
    connection->close();
    connection->post.reset();
    ended(*connection, 0, {}, false);
  }
  while (!waiting_.empty() && waiting_.front()->done) waiting_.pop_front();
  check_finished();
  timeout_timer_.expires_after(std::chrono::milliseconds(10));
  timeout_timer_.async_wait([this](const std::error_code& error) {
    if (!error) watch_timeouts();
  });
}

void Sender::check_finished() {
  if (!over_ || !finished_) return;
  const bool all_done = std::all_of(unfinished_.begin(), unfinished_.end(),
                                    [](const auto& post) { return post->done; });
  if (all_done) std::exchange(finished_, nullptr)();
}

}  // namespace tester
