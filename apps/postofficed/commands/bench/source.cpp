#include "commands/bench/source.hpp"

#include <utility>

#include "base/thread.hpp"

namespace postofficed::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto beat = 5ms;  // how exactly a latency is kept

postoffice::HttpServerOptions options() {
  postoffice::HttpServerOptions made;
  made.listen = "127.0.0.1:0";
  return made;
}

}  // namespace

Source::Source()
    : server_(
          loop_, options(),
          [this](const postoffice::HttpRequest& request, postoffice::HttpServer::Respond respond) {
            take(request.path, std::move(respond));
          }) {}

Source::~Source() {
  stopping_ = true;
  if (answering_.joinable()) answering_.join();
  server_.stop();
  loop_.stop();
}

std::error_code Source::start() {
  loop_.start();
  if (const auto error = server_.start()) return error;
  answering_ = postoffice::start_without_signals([this] { answer_in_time(); });
  return {};
}

std::string Source::url() const {
  return "http://127.0.0.1:" + std::to_string(server_.port()) + "/objects/{id}";
}

void Source::take(const std::string& path, postoffice::HttpServer::Respond respond) {
  std::string id = path.substr(path.rfind('/') + 1);
  const auto latency = latency_.load();
  if (latency == 0ms) return answer(id, respond);
  const std::lock_guard lock(mutex_);
  waiting_.push_back({Clock::now() + latency, std::move(id), std::move(respond)});
}

void Source::answer(const std::string& id, const postoffice::HttpServer::Respond& respond) {
  postoffice::HttpResponse response;
  response.body = "{\"id\":" + id + ",\"online\":true}";
  ++answered_;
  respond(std::move(response));
}

// All wait equally long, so the first to come is the first to go.
void Source::answer_in_time() {
  while (!stopping_) {
    std::deque<Waiting> due;
    {
      const std::lock_guard lock(mutex_);
      while (!waiting_.empty() &&
             (waiting_.front().due <= Clock::now() || latency_.load() == 0ms)) {
        due.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
    }
    for (const auto& one : due) answer(one.id, one.respond);
    std::this_thread::sleep_for(beat);
  }
}

}  // namespace postofficed::bench
