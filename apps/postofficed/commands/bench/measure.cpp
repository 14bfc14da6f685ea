#include "commands/bench/measure.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "commands/bench/instance.hpp"
#include "commands/bench/source.hpp"
#include "commands/bench/usage_meter.hpp"
#include "load/client.hpp"
#include "load/requests.hpp"
#include "support/flush_times.hpp"
#include "support/http_exchange.hpp"
#include "support/json_value.hpp"
#include "support/mount.hpp"

namespace postofficed::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t sender_counts[] = {1, 16, 256};
constexpr std::size_t requests_prepared = 512;
constexpr std::size_t job_senders = 16;
constexpr std::uint64_t ids_ahead_max = 20'000;  // more would only wait longer
constexpr postoffice::ObjectId first_fresh_id = 1'000'000'000;
constexpr auto page_limit = 2s;
constexpr auto idle_limit = 10s;
constexpr auto row_limit = 10s;
constexpr auto look_again = 500us;

// How the time is shared out.
constexpr double flush_share = 0.08;
constexpr double phase_share = 0.22;  // for each number of senders
constexpr double job_share = 0.18;
constexpr double single_share = 0.08;

Times summary(const load::Latencies& latencies) {
  Times times;
  times.count = latencies.count();
  times.p50 = latencies.quantile(0.5);
  times.p99 = latencies.quantile(0.99);
  times.p999 = latencies.quantile(0.999);
  times.most = latencies.most();
  return times;
}

double in_seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

Times summary(const FlushTimes& flushes) {
  Times times;
  times.count = flushes.count();
  times.p50 = in_seconds(flushes.median());
  times.p99 = in_seconds(flushes.p99());
  times.p999 = in_seconds(flushes.most());
  times.most = in_seconds(flushes.most());
  return times;
}

class Measurement {
 public:
  Measurement(const std::string& directory, const Parameters& parameters,
              const HeldSignals& signals, Progress& progress)
      : directory_(directory), signals_(signals), progress_(progress) {
    figures_.parameters = parameters;
  }

  Result<Figures> run() {
    survey();
    for (const auto step :
         {&Measurement::measure_flushes_of_disk, &Measurement::start, &Measurement::measure_phases,
          &Measurement::measure_job, &Measurement::measure_single_callbacks}) {
      if (auto failure = (this->*step)()) return failure;
      if (signals_.any()) return std::move(figures_);
    }
    figures_.memory_peak_bytes = read_memory(instance_->process(), "VmHWM");
    return std::move(figures_);
  }

 private:
  /// Says what goes on, and how far it is within its share of the whole time.
  void begin(const std::string& what, double share) {
    passed_ += share_;
    share_ = share;
    progress_.rename("bench: " + what);
    progress_.update(passed_);
  }
  bool tell(double part) {
    progress_.update(passed_ + share_ * part);
    return !signals_.any();
  }
  Milliseconds time_for(double share) const {
    return Milliseconds(static_cast<Milliseconds::rep>(share * figures_.parameters.seconds * 1e3));
  }

  void survey() {
    figures_.processors = std::max(1U, std::thread::hardware_concurrency());
    figures_.load_before = load_average();
    figures_.file_system = find_mount(directory_).type;
    figures_.objection = objection_to(figures_.file_system);
  }

  Failure measure_flushes_of_disk() {
    begin("flushes of the disk", flush_share);
    const auto flushes = measure_flushes(directory_ + "/flush", time_for(flush_share));
    if (!flushes) return {ExitCode::journal, directory_ + ": " + flushes.error().text()};
    figures_.flush = summary(*flushes);
    return {};
  }

  Failure start() {
    source_.set_latency(Milliseconds(
        static_cast<Milliseconds::rep>(figures_.parameters.source_latency_seconds * 1e3)));
    if (const auto error = source_.start()) return {ExitCode::unavailable, error.message()};
    InstanceOptions options;
    options.directory = directory_;
    options.source = source_.url();
    options.more = {"--fetch-concurrency", std::to_string(figures_.parameters.fetch_concurrency),
                    "--ingress-threads",   std::to_string(figures_.parameters.ingress_threads),
                    "--log-level",         "warning"};
    options.signals = signals_.before();
    instance_.emplace(std::move(options));
    return instance_->start([this] { return signals_.any(); });
  }

  Failure measure_phases() {
    for (const auto count : sender_counts) {
      if (auto failure = measure_phase(count)) return failure;
      if (signals_.any()) return {};
    }
    return {};
  }

  Failure measure_phase(std::size_t senders) {
    begin(std::to_string(senders) + (senders == 1 ? " sender" : " senders"), phase_share);
    const auto& parameters = figures_.parameters;
    load::RepeatedRequests requests(requests_prepared, parameters.ids_per_callback,
                                    parameters.objects);
    load::Load load;
    load.port = instance_->port();
    load.connections = senders;
    load.duration = time_for(phase_share);
    load.next = [&] { return requests.next(); };
    load.go_on = [this](double part) { return tell(part); };
    const UsageMeter meter(instance_->process());
    const auto result = run_load(load);
    if (!result) return cannot_send(result.error());
    Phase phase;
    phase.connections = senders;
    phase.accepted = result->accepted;
    phase.refused = result->refused;
    phase.failed = result->failed;
    phase.per_second = result->per_second();
    phase.times = summary(result->latencies);
    phase.usage = meter.read(result->processor_seconds);
    figures_.phases.push_back(std::move(phase));
    return {};
  }

  /// New ids, fetched and stored while they come in. Rows are what counts, so no more is sent than
  /// the daemon keeps up with.
  Failure measure_job() {
    begin("from callback to row", job_share);
    source_.set_latency(Milliseconds(0));
    if (auto failure = wait_until_idle()) return failure;
    const auto answered_before = source_.answered();
    const auto made_before = fresh_.ids_made();
    load::Load load;
    load.port = instance_->port();
    load.connections = job_senders;
    load.duration = time_for(job_share);
    load.next = [&]() -> std::string_view {
      const auto made = fresh_.ids_made() - made_before;
      const auto answered = source_.answered() - answered_before;
      return made > answered + ids_ahead_max ? std::string_view() : fresh_.next();
    };
    load.go_on = [this](double part) { return tell(part); };
    const auto before = read_status();
    const UsageMeter meter(instance_->process());
    const auto result = run_load(load);
    const auto after = read_status();
    if (!result) return cannot_send(result.error());
    figures_.job.usage = meter.read(result->processor_seconds);
    const double stored =
        after["stored"].number().value_or(0) - before["stored"].number().value_or(0);
    const double seconds = after["uptime_seconds"].number().value_or(0) -
                           before["uptime_seconds"].number().value_or(0);
    if (seconds > 0) figures_.job.ids_per_second = stored / seconds;
    return {};
  }

  Failure measure_single_callbacks() {
    begin("single callbacks", single_share);
    if (auto failure = wait_until_idle()) return failure;
    load::Latencies latencies;
    const auto time = time_for(single_share);
    const auto begun = Clock::now();
    while (Clock::now() < begun + time && tell((Clock::now() - begun) / in_double(time))) {
      const auto sent = Clock::now();
      if (auto failure = send_and_wait_for_rows()) return failure;
      latencies.add(Clock::now() - sent);
    }
    figures_.job.one_callback = summary(latencies);
    return {};
  }

  static std::chrono::duration<double, Clock::period> in_double(Milliseconds time) { return time; }

  Failure send_and_wait_for_rows() {
    const auto count = figures_.parameters.ids_per_callback;
    const auto first = first_fresh_id + static_cast<postoffice::ObjectId>(fresh_.ids_made());
    const auto address = "127.0.0.1:" + std::to_string(instance_->port());
    const auto posted = exchange(address, std::string(fresh_.next()), page_limit);
    if (posted.status != 202)
      return cannot_send({ExitCode::unavailable, posted.problem + posted.body});
    const auto rows =
        "/objects?after=" + std::to_string(first - 1) + "&limit=" + std::to_string(count);
    const auto end = Clock::now() + row_limit;
    while (read_page(rows)["objects"].items().size() < count && !signals_.any()) {
      if (Clock::now() > end) return {ExitCode::unavailable, "rows do not appear"};
      std::this_thread::sleep_for(look_again);
    }
    return {};
  }

  Failure wait_until_idle() {
    const auto end = Clock::now() + idle_limit;
    while (read_status()["pending"].number().value_or(1) > 0 && tell(0)) {
      if (Clock::now() > end) return {ExitCode::unavailable, "the daemon does not catch up"};
      std::this_thread::sleep_for(10ms);
    }
    return {};
  }

  JsonValue read_page(const std::string& path) const {
    const auto admin = instance_->admin();
    const auto answer = exchange(admin, get_request(admin, path), page_limit);
    return JsonValue::parse(answer.body).value_or(JsonValue());
  }
  JsonValue read_status() const { return read_page("/status"); }

  static Failure cannot_send(const Failure& failure) {
    return {ExitCode::unavailable, "the private instance takes no callbacks: " + failure.text()};
  }

  const std::string directory_;
  const HeldSignals& signals_;
  Progress& progress_;
  Figures figures_;
  double passed_ = 0;
  double share_ = 0;
  Source source_;
  std::optional<Instance> instance_;
  load::FreshRequests fresh_{figures_.parameters.ids_per_callback, first_fresh_id};
};

}  // namespace

Result<Figures> measure(const std::string& directory, const Parameters& parameters,
                        const HeldSignals& signals, Progress& progress) {
  return Measurement(directory, parameters, signals, progress).run();
}

}  // namespace postofficed::bench
