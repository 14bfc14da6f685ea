// postoffice-tester: simulates both sides of Postoffice, the sender of callbacks and the source of
// objects.
#include <sys/resource.h>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>

#include "options.hpp"
#include "record.hpp"
#include "sender.hpp"
#include "slow_source.hpp"

namespace tester {
namespace {

constexpr int exit_usage = 64;
constexpr int exit_unavailable = 69;

class Program {
 public:
  explicit Program(const Options& options)
      : options_(options),
        record_(options.record),
        context_(1),
        signals_(context_, SIGINT, SIGTERM),
        second_(context_),
        end_(context_) {}

  int run() {
    std::printf("seed %llu\n", static_cast<unsigned long long>(options_.seed));
    if (!options_.no_sender) sender_.emplace(context_, options_, totals_, record_);
    if (!options_.no_source && !start_source()) return exit_unavailable;
    std::fflush(stdout);
    signals_.async_wait([this](const std::error_code& error, int) {
      if (!error) stop();
    });
    each_second();
    if (sender_) {
      sender_->start([this] { linger(); });
    } else if (options_.duration.count() != 0) {
      end_after(options_.duration);
    }
    context_.run();
    source_.reset();
    record_.flush();
    std::printf("%s\n", totals_.text().c_str());
    return options_.fail_on_refused && totals_.lost() != 0 ? 1 : 0;
  }

 private:
  bool start_source() {
    source_.emplace(options_, totals_, record_);
    if (const std::error_code error = source_->start()) {
      std::fprintf(stderr, "cannot listen on %s: %s\n", options_.listen.c_str(),
                   error.message().c_str());
      return false;
    }
    std::printf("source listens on %s, port %d\n", options_.listen.c_str(), source_->port());
    return true;
  }

  /// The first signal stops the sender, the second the program.
  void stop() {
    stopping_ = true;
    if (!sender_ || lingering_) return context_.stop();
    signals_.async_wait([this](const std::error_code& error, int) {
      if (!error) context_.stop();
    });
    sender_->stop();
  }

  void linger() {
    lingering_ = true;
    if (stopping_ || options_.linger.count() == 0 || !source_) return context_.stop();
    end_after(options_.linger);
  }

  void end_after(std::chrono::microseconds span) {
    end_.expires_after(span);
    end_.async_wait([this](const std::error_code& error) {
      if (!error) context_.stop();
    });
  }

  void each_second() {
    second_.expires_after(std::chrono::seconds(1));
    second_.async_wait([this](const std::error_code& error) {
      if (error) return;
      record_.flush();
      if (options_.fast() && sender_) {
        std::printf("%s  %s\n", time_of_day().c_str(), totals_.text().c_str());
      }
      std::fflush(stdout);
      each_second();
    });
  }

  const Options& options_;
  Totals totals_;
  Record record_;
  asio::io_context context_;
  asio::signal_set signals_;
  asio::steady_timer second_;
  asio::steady_timer end_;
  bool stopping_ = false;
  bool lingering_ = false;
  std::optional<SlowSource> source_;
  std::optional<Sender> sender_;
};

// A source with ten thousand fetches in flight needs as many descriptors.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace tester

int main(int argc, char** argv) {
  tester::raise_file_limit();
  tester::Options options;
  int exit_code = 0;
  if (!tester::parse_options(argc, argv, options, exit_code)) return exit_code;
  try {
    return tester::Program(options).run();
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "postoffice-tester: %s\n", error.what());
    return tester::exit_usage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "postoffice-tester: %s\n", error.what());
    return tester::exit_unavailable;
  }
}
