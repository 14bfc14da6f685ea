// Publishing with confirms, beside a bare loop around rabbitmq-c that keeps the same number of
// messages unconfirmed. Both put the same bodies into one durable quorum queue, in turns (ABBA).
//
//   rabbit_bench [pairs [callbacks]]      POSTOFFICE_TEST_RABBIT: the broker's URL
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/defaults/system_clock.hpp"

namespace {

using Seconds = std::chrono::duration<double>;

constexpr int window = 4'096;
constexpr int ids_per_callback = 100;
// What the library writes for these ids: a header and one or two bytes an id.
constexpr std::size_t body_size = 40 + 2 * ids_per_callback;

struct Run {
  double rate = 0;        // callbacks a second
  double cpu_micros = 0;  // of this process, a callback
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <typename Work>
Run measure(int callbacks, Work work) {
  const auto cpu = cpu_seconds();
  const auto began = std::chrono::steady_clock::now();
  work();
  const Seconds took = std::chrono::steady_clock::now() - began;
  return {callbacks / took.count(), (cpu_seconds() - cpu) / callbacks * 1e6};
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "rabbit_bench: %s\n", what);
  std::exit(1);
}

/// The bare loop: what anybody would write who wants confirms and a window.
class Bare {
 public:
  explicit Bare(std::string url) : url_(std::move(url)) {
    amqp_connection_info info;
    if (amqp_parse_url(url_.data(), &info) != AMQP_STATUS_OK) fail("bad URL");
    state_ = amqp_new_connection();
    auto* socket = amqp_tcp_socket_new(state_);
    if (amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK) fail("no connection");
    check(amqp_login(state_, info.vhost, 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, info.user,
                     info.password));
    amqp_channel_open(state_, 1);
    check(amqp_get_rpc_reply(state_));
    amqp_confirm_select(state_, 1);
    check(amqp_get_rpc_reply(state_));
  }
  ~Bare() { amqp_destroy_connection(state_); }

  void declare(const std::string& queue) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes("x-queue-type");
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("quorum");
    const amqp_table_t arguments{1, &entry};
    amqp_queue_declare(state_, 1, amqp_cstring_bytes(queue.c_str()), 0, 1, 0, 0, arguments);
    check(amqp_get_rpc_reply(state_));
  }
  void remove(const std::string& queue) {
    amqp_queue_delete(state_, 1, amqp_cstring_bytes(queue.c_str()), 0, 0);
    check(amqp_get_rpc_reply(state_));
  }

  void publish(const std::string& queue, int callbacks) {
    std::vector<char> body(body_size, 'x');
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = 2;
    int sent = 0;
    unconfirmed_ = 0;
    pending_.assign(static_cast<std::size_t>(callbacks) + 1, true);
    while (sent < callbacks || unconfirmed_ > 0) {
      if (sent < callbacks && unconfirmed_ < window) {
        amqp_basic_publish(state_, 1, amqp_empty_bytes, amqp_cstring_bytes(queue.c_str()), 1, 0,
                           &properties, {body.size(), body.data()});
        ++sent;
        ++unconfirmed_;
        if (unconfirmed_ < window && sent < callbacks) continue;
      }
      take_confirm();
    }
    first_ += static_cast<std::uint64_t>(callbacks);
    low_ = first_;
  }

 private:
  static void check(const amqp_rpc_reply_t& reply) {
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("the broker refuses");
  }

  void take_confirm() {
    amqp_frame_t frame;
    if (amqp_simple_wait_frame(state_, &frame) != AMQP_STATUS_OK) fail("the broker is gone");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
      return;
    }
    const auto* ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
    for (auto tag = ack->multiple ? low_ : ack->delivery_tag; tag <= ack->delivery_tag; ++tag) {
      if (!pending_[tag - first_]) continue;
      pending_[tag - first_] = false;
      --unconfirmed_;
    }
    if (ack->multiple) low_ = ack->delivery_tag + 1;
    amqp_maybe_release_buffers(state_);
  }

  std::string url_;
  amqp_connection_state_t state_ = nullptr;
  std::uint64_t first_ = 1;  // tag of this run
  std::uint64_t low_ = 1;    // all before it are confirmed
  std::vector<bool> pending_;
  int unconfirmed_ = 0;
};

class Ours {
 public:
  Ours(const std::string& url, const std::string& prefix, postoffice::Clock& clock)
      : publisher_(options(url, prefix), clock) {
    while (!publisher_.status().connected)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ids_.resize(ids_per_callback);
    for (int i = 0; i < ids_per_callback; ++i) ids_[static_cast<std::size_t>(i)] = 200 * i;
  }

  void publish(int callbacks) {
    for (int i = 0; i < callbacks; ++i) {
      if (unconfirmed_ >= window) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return unconfirmed_ < window; });
      }
      ++unconfirmed_;
      publisher_.append(ids_, [this](std::error_code error, const postoffice::Receipt&) {
        if (error) ++errors_;
        if (unconfirmed_-- > window - 1 || unconfirmed_ == 0) {
          const std::lock_guard lock(mutex_);
          changed_.notify_one();
        }
      });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return unconfirmed_ == 0; });
    if (errors_ > 0) fail("callbacks were not accepted");
  }

 private:
  static postoffice::RabbitOptions options(const std::string& url, const std::string& prefix) {
    postoffice::RabbitOptions options;
    options.url = url;
    options.prefix = prefix;
    options.shards = 1;
    options.confirm_timeout = std::chrono::seconds(30);  // a full window may take its time
    return options;
  }

  postoffice::RabbitPublisher publisher_;
  std::vector<postoffice::ObjectId> ids_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> unconfirmed_{0};
  std::atomic<int> errors_{0};
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const char* url = std::getenv("POSTOFFICE_TEST_RABBIT");
  if (url == nullptr) fail("POSTOFFICE_TEST_RABBIT is not set");
  const int pairs = argc > 1 ? std::atoi(argv[1]) : 5;
  const int callbacks = argc > 2 ? std::atoi(argv[2]) : 30'000;
  postoffice::EventLoop loop;
  loop.start();
  postoffice::SystemClock clock(loop);
  Bare bare(url);
  std::vector<double> ratios, ours_rates, bare_rates, ours_cpu, bare_cpu;
  std::printf("%d callbacks of %d ids, window %d\n", callbacks, ids_per_callback, window);
  std::printf("pair  bare/s  ours/s  ratio  bare cpu us  ours cpu us\n");
  for (int pair = 0; pair < pairs; ++pair) {
    Run of_bare, of_ours;
    for (int turn = 0; turn < 2; ++turn) {
      const auto name = "bench_" + std::to_string(pair) + "_" + std::to_string(turn);
      if ((turn == 0) == (pair % 2 == 0)) {
        bare.declare(name);
        of_bare = measure(callbacks, [&] { bare.publish(name, callbacks); });
        bare.remove(name);
      } else {
        Ours ours(url, name, clock);
        of_ours = measure(callbacks, [&] { ours.publish(callbacks); });
        bare.remove(name + ".0");
        bare.remove(name + ".dead");
      }
    }
    ratios.push_back(of_ours.rate / of_bare.rate);
    bare_rates.push_back(of_bare.rate);
    ours_rates.push_back(of_ours.rate);
    bare_cpu.push_back(of_bare.cpu_micros);
    ours_cpu.push_back(of_ours.cpu_micros);
    std::printf("%4d  %6.0f  %6.0f  %5.2f  %11.1f  %11.1f\n", pair, of_bare.rate, of_ours.rate,
                ratios.back(), of_bare.cpu_micros, of_ours.cpu_micros);
  }
  std::printf(
      "median of %d pairs: bare %.0f/s, ours %.0f/s, ratio %.2f; CPU a callback: bare %.1f "
      "us, ours %.1f us\n",
      pairs, median(bare_rates), median(ours_rates), median(ratios), median(bare_cpu),
      median(ours_cpu));
}
