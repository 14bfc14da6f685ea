// The faults of the soak.
#pragma once

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fault/soak_watch.hpp"

namespace postoffice::testing {

/// The whole service, and ways to harm it. Each returns when the fault is over, though perhaps not
/// recovered from.
class SoakFaults : public WholeJob {
 public:
  SoakFaults(std::string ttl, Violations& violations, Gauges& gauges)
      : ttl_(std::move(ttl)), violations_(violations), gauges_(gauges) {
    source_port_ = source->source_port();
    restart_source();
    more = {"--fetch-concurrency", "2000"};  // some 1,800 fetches a second, 0.8 s each
    begin_life();
  }

  /// One fault of a kind chosen at random; all kinds come before one comes again. `restarts`:
  /// whether the daemon may be ended.
  void strike(std::mt19937& random, bool restarts) {
    const Kind& kind = draw(random, restarts);
    std::printf("%s: %s\n", clock_text().c_str(), kind.name);
    std::fflush(stdout);
    ++struck_[kind.name];
    (this->*kind.harm)();
  }

  const std::map<std::string, int>& struck() const { return struck_; }
  int restarts() const { return restarts_; }
  double slowest_start() const { return slowest_start_; }
  const std::vector<std::string>& source_records() const { return source_records_; }

 private:
  struct Kind {
    const char* name;
    bool restarts;
    void (SoakFaults::*harm)();
  };
  static const std::vector<Kind>& kinds() {
    static const std::vector<Kind> all{
        {"daemon kill -9", true, &SoakFaults::kill_daemon},
        {"daemon SIGTERM", true, &SoakFaults::end_daemon},
        {"daemon frozen", false, &SoakFaults::freeze_daemon},
        {"PostgreSQL stopped", false, &SoakFaults::stop_postgres},
        {"PostgreSQL frozen", false, &SoakFaults::freeze_postgres},
        {"sessions terminated", false, &SoakFaults::terminate_sessions},
        {"source frozen", false, &SoakFaults::freeze_source},
        {"source restarted", false, &SoakFaults::restart_source},
        {"table locked", false, &SoakFaults::lock_table},
        {"crowd of connections", false, &SoakFaults::crowd},
    };
    return all;
  }

  const Kind& draw(std::mt19937& random, bool restarts) {
    for (;;) {
      if (deck_.empty()) {
        for (const Kind& kind : kinds()) deck_.push_back(&kind);
        std::shuffle(deck_.begin(), deck_.end(), random);
      }
      const Kind& kind = *deck_.back();
      deck_.pop_back();
      if (restarts || !kind.restarts) return kind;
    }
  }

  static void pause(int seconds) { std::this_thread::sleep_for(std::chrono::seconds(seconds)); }

  static std::string clock_text() {
    const std::time_t now = std::time(nullptr);
    char text[16];
    std::strftime(text, sizeof text, "%H:%M:%S", std::localtime(&now));
    return text;
  }

  void begin_life() {
    const auto begun = std::chrono::steady_clock::now();
    start_daemon(ttl_);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    slowest_start_ = std::max(slowest_start_, taken.count());
    if (taken.count() > 10) violations_.add("slow start", std::to_string(taken.count()) + " s");
    gauges_.watch(daemon.get());
  }

  void restart_daemon(int signal, int expected) {
    gauges_.watch(nullptr);
    daemon->process().signal(signal);
    const int code = daemon->process().exit_code();
    if (code != expected) violations_.add("exit code", std::to_string(code));
    ++restarts_;
    begin_life();
  }

  void kill_daemon() { restart_daemon(SIGKILL, 128 + SIGKILL); }
  void end_daemon() { restart_daemon(SIGTERM, 0); }

  void freeze_daemon() {
    daemon->process().signal(SIGSTOP);
    pause(3);
    daemon->process().signal(SIGCONT);
  }

  void stop_postgres() {
    cluster.stop_at_once();
    pause(5);
    cluster.start();
  }

  void freeze_postgres() {
    cluster.signal_all(SIGSTOP);
    pause(5);
    cluster.signal_all(SIGCONT);
  }

  /// The server may still be on its way back.
  void try_sql(const std::string& text) {
    eventually([&] {
      try {
        cluster.sql(text);
        return true;
      } catch (const std::runtime_error&) {
        return false;
      }
    });
  }

  void terminate_sessions() {
    try_sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
  }

  void lock_table() { try_sql("BEGIN; LOCK TABLE objects; SELECT pg_sleep(3); COMMIT"); }

  void freeze_source() {
    source->process().signal(SIGSTOP);
    pause(5);
    source->process().signal(SIGCONT);
  }

  /// Its record is evidence, and a kill would cut that off; connections break all the same.
  void restart_source() {
    source->process().signal(SIGTERM);
    source->process().exit_code();
    source_records_.push_back(notes / ("source" + std::to_string(source_records_.size())));
    source.emplace(Arguments{"--no-sender", "--listen", "localhost:" + std::to_string(source_port_),
                             "--latency-min", "0.3s", "--latency-spread", "1s", "--fail-percent",
                             "1", "--record", source_records_.back()});
    if (source->source_port() != source_port_) violations_.add("the source does not start", "");
  }

  void crowd() {
    std::list<CallbackConnection> connections;
    for (int i = 0; i < 300; ++i) connections.emplace_back(port, std::chrono::seconds(1));
    pause(5);
  }

  const std::string ttl_;
  Violations& violations_;
  Gauges& gauges_;
  std::uint16_t source_port_ = 0;
  std::vector<std::string> source_records_;
  std::vector<const Kind*> deck_;
  std::map<std::string, int> struck_;
  int restarts_ = 0;
  double slowest_start_ = 0;
};

}  // namespace postoffice::testing
