#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/thread.hpp"
#include "postoffice/log.hpp"

namespace postoffice {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t lines_max = 8'192;
constexpr std::size_t bytes_max = 1u << 20;
constexpr milliseconds wait_at_end{1'000};

/// The lines that wait, and the one thread that takes them to the sink.
///
/// Only that thread ever calls the sink, and it holds no lock then. So nobody else waits for it,
/// and it keeps the buffer alive for itself: one that never comes back is left behind.
class Lines : public std::enable_shared_from_this<Lines> {
 public:
  explicit Lines(std::function<void(const LogLine&)> sink) : sink_(std::move(sink)) {}

  void add(LogLevel level, std::string_view text) {
    const std::lock_guard lock(mutex_);
    if (lines_.size() >= lines_max || bytes_ + text.size() > bytes_max || !have_thread()) {
      ++dropped_;
      return;
    }
    bytes_ += text.size();
    lines_.push_back({level, std::chrono::system_clock::now(), std::string(text)});
    changed_.notify_all();
  }

  LogStatus status() const {
    const std::lock_guard lock(mutex_);
    LogStatus status;
    status.waiting = lines_.size();
    status.dropped = dropped_;
    if (in_sink_) status.stuck = std::chrono::duration_cast<milliseconds>(Steady::now() - since_);
    return status;
  }

  void flush(milliseconds limit) {
    std::unique_lock lock(mutex_);
    if (std::this_thread::get_id() == thread_) return;
    changed_.wait_for(lock, limit, [this] { return lines_.empty() && !in_sink_; });
  }

  // Nobody can add lines any more.
  void end() {
    flush(wait_at_end);
    const std::lock_guard lock(mutex_);
    ending_ = true;
    lines_.clear();
    changed_.notify_all();
  }

 private:
  struct Line {
    LogLevel level;
    std::chrono::system_clock::time_point time;
    std::string text;
  };

  // Begun with the first line, for most parts never have one.
  bool have_thread() {
    if (thread_ != std::thread::id()) return true;
    try {
      std::thread thread = start_without_signals([self = shared_from_this()] { self->run(); });
      thread_ = thread.get_id();
      thread.detach();
    } catch (const std::system_error&) {
      // No thread to be had at present: the line is one that is dropped.
    }
    return thread_ != std::thread::id();
  }

  void run() {
    name_this_thread("log");
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ending_ || !lines_.empty(); });
      if (lines_.empty()) return;
      const Line line = std::move(lines_.front());
      lines_.pop_front();
      bytes_ -= line.text.size();
      give(lock, line);
      if (dropped_ != told_ && lines_.size() <= lines_max / 2 && bytes_ <= bytes_max / 2) {
        tell_dropped(lock);
      }
      changed_.notify_all();
    }
  }

  void give(std::unique_lock<std::mutex>& lock, const Line& line) {
    in_sink_ = true;
    since_ = Steady::now();
    lock.unlock();
    try {
      sink_({line.level, line.time, line.text});
    } catch (...) {
      // Where should one say so?
    }
    lock.lock();
    in_sink_ = false;
  }

  // Not before half of the buffer is free, lest a slow reader be told with every line.
  void tell_dropped(std::unique_lock<std::mutex>& lock) {
    const auto count = dropped_ - std::exchange(told_, dropped_);
    give(lock, {LogLevel::warning, std::chrono::system_clock::now(),
                "log: " + std::to_string(count) + (count == 1 ? " line was" : " lines were") +
                    " dropped, for nobody took them"});
  }

  const std::function<void(const LogLine&)> sink_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t told_ = 0;  // of those dropped
  std::thread::id thread_;
  Steady::time_point since_{};
  bool in_sink_ = false;
  bool ending_ = false;
};

/// What log_in_background() returns. The last copy ends the thread.
struct BackgroundLog {
  struct Owner {
    explicit Owner(std::function<void(const LogLine&)> sink)
        : lines(std::make_shared<Lines>(std::move(sink))) {}
    ~Owner() { lines->end(); }
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;

    const std::shared_ptr<Lines> lines;
  };

  void operator()(LogLevel level, std::string_view text) const { owner->lines->add(level, text); }

  std::shared_ptr<Owner> owner;
};

}  // namespace

Log log_in_background(std::function<void(const LogLine&)> sink) {
  return BackgroundLog{std::make_shared<BackgroundLog::Owner>(std::move(sink))};
}

Log log_in_background(Log log) {
  if (!log || log.target<BackgroundLog>() != nullptr) return log;
  return log_in_background(
      [log = std::move(log)](const LogLine& line) { log(line.level, line.text); });
}

LogStatus status_of(const Log& log) {
  const auto* background = log.target<BackgroundLog>();
  return background ? background->owner->lines->status() : LogStatus{};
}

void flush(const Log& log, std::chrono::milliseconds limit) {
  if (const auto* background = log.target<BackgroundLog>()) background->owner->lines->flush(limit);
}

}  // namespace postoffice
