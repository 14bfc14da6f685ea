#include "postgres/membership.hpp"

#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "postgres/parameters.hpp"
#include "postgres/schema.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

constexpr Duration skew_alarm = std::chrono::seconds(1);

// Two clocks may drift apart by one part in this many.
constexpr int drift = 1'000;

Failure fenced_failure() {
  Failure failure(Error::fenced, "this instance was retired, or another took its place");
  failure.state = fenced_state;
  return failure;
}

bool is_lock(Statement statement) {
  return statement == Statement::lock_shared || statement == Statement::lock_alone;
}

// After the lock, so that a process that takes this place waits for writes that passed the fence.
std::size_t place_of_fence(const std::vector<Query>& queries) {
  const auto lock = std::find_if(queries.begin(), queries.end(),
                                 [](const Query& query) { return is_lock(query.statement); });
  return lock == queries.end() ? 0 : static_cast<std::size_t>(lock - queries.begin()) + 1;
}

std::string publishers_parameter(const std::vector<std::uint64_t>& publishers) {
  ArrayWriter writer(TypeId::text, publishers.size());
  for (const std::uint64_t publisher : publishers) writer.add_text(publisher_text(publisher));
  return writer.take();
}

std::string seconds_text(Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(span).count());
  return text;
}

}  // namespace

std::string publisher_text(std::uint64_t publisher) {
  if (publisher == 0) return {};
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(publisher));
  return text;
}

Membership::Membership(PostgresInstance instance, Submit submit, Log log)
    : instance_(std::move(instance)), submit_(std::move(submit)), log_(std::move(log)) {}

void Membership::submit(Request request) {
  if (status_.registered) return send(std::move(request));
  waiting_.push_back(std::move(request));
  if (registering_) return;
  // Registering takes the exclusive lock, so it is not tried in vain.
  status_.fenced && !may_supersede() ? look_for_place() : register_now();
}

void Membership::send(Request request) {
  const std::size_t place = place_of_fence(request.queries);
  const std::string epoch = int8(status_.epoch);
  for (Query& query : request.queries) {
    if (query.statement == Statement::publish) query.parameters.push_back(epoch);
  }
  request.queries.insert(
      request.queries.begin() + static_cast<std::ptrdiff_t>(place),
      {Statement::fence, {publisher_text(instance_.publisher), int4(instance_.shard), epoch}});
  request.done = [self = shared_from_this(), place, done = std::move(request.done)](
                     const Failure& failure, std::vector<Result> results) {
    if (place < results.size()) results.erase(results.begin() + static_cast<std::ptrdiff_t>(place));
    if (failure) self->lost(failure);
    done(failure, std::move(results));
  };
  submit_(std::move(request));
}

void Membership::lost(const Failure& failure) {
  if (failure.code != Error::fenced) return;
  status_.registered = false;
  // The last result may be out of date, and a fenced instance does not query again.
  status_.silent_instances = 0;
  status_.silent.reset();
  // At once rather than at the next write: an instance that cannot register again must not accept
  // callbacks.
  if (!registering_) register_now();
}

// The place is free again when the process that took it was retired, or has stopped with nothing
// left. Its silence proves nothing: it may still hold callbacks that it accepted.
void Membership::look_for_place() {
  registering_ = true;
  Request request;
  request.queries = {
      {Statement::find_successor, {publisher_text(instance_.publisher), int4(instance_.shard)}}};
  request.done = [self = shared_from_this()](const Failure& failure,
                                             const std::vector<Result>& results) {
    self->looked(failure, results);
  };
  submit_(std::move(request));
}

void Membership::looked(const Failure& failure, const std::vector<Result>& results) {
  assert(registering_);
  registering_ = false;
  if (failure || results.empty()) return fail_waiting(failure);
  if (PQntuples(results[0].get()) == 0) return register_now();
  replaced_by(text_at(*results[0], 0, 0), std::chrono::seconds(int8_at(*results[0], 0, 1)));
  fail_waiting(fenced_failure());
}

void Membership::replaced_by(std::string name, Duration silent) {
  const bool news = !status_.successor || status_.successor->name != name;
  const Timestamp since = status_.successor ? status_.successor->since : now();
  if (news && log_) {
    log_(LogLevel::error, "PostgreSQL: " + name +
                              " has taken this instance's place; until it has stopped with "
                              "nothing left, or is retired, nothing is written");
  }
  status_.successor = {.name = std::move(name), .since = since, .silent = silent};
}

void Membership::register_now() {
  registering_ = true;
  Request request;
  request.queries = {{Statement::lock_alone},
                     {Statement::register_instance,
                      {publisher_text(instance_.publisher), int4(instance_.shard), instance_.name,
                       timestamp(watermark_), boolean(may_supersede())}}};
  request.done = [self = shared_from_this(), session = session()](const Failure& failure,
                                                                  std::vector<Result> results) {
    assert(self->registering_);
    self->registering_ = false;
    self->registered(failure, results);
    if (self->status_.registered) self->session_ = session;
  };
  submit_(std::move(request));
}

void Membership::registered(const Failure& failure, const std::vector<Result>& results) {
  if (failure || results.size() < 2) return fail_waiting(failure);
  if (PQntuples(results[1].get()) == 0) {
    status_.fenced = fenced_ = true;
    return look_for_place();
  }
  take_epoch(*results[1]);
  for (Request& request : std::exchange(waiting_, {})) submit(std::move(request));
}

void Membership::take_epoch(const PGresult& result) {
  PostgresRegistration found;
  found.epoch = int8_at(result, 0, 0);
  found.cutoff = time_at(result, 0, 1);
  found.others = int8_at(result, 0, 2) == minus_infinity ? Timestamp::min() : time_at(result, 0, 2);
  found.fresh = boolean_at(result, 0, 3);
  status_.registered = true;
  const bool back = std::exchange(status_.fenced, false);
  fenced_ = false;
  status_.successor.reset();
  status_.epoch = found.epoch;
  if (log_) {
    log_(LogLevel::info, "PostgreSQL: registered as " + instance_.name + ", epoch " +
                             std::to_string(found.epoch) +
                             (back ? ": its place was free again" : ""));
  }
  if (instance_.registered) instance_.registered(found);
  skew_known_ = false;  // the clock may have been moved
}

void Membership::fail_waiting(const Failure& failure) {
  for (Request& request : std::exchange(waiting_, {})) request.done(failure, {});
}

void Membership::publish(const Expiry& expiry,
                         std::function<void(const Failure&, Timestamp all)> done) {
  watermark_ = std::max(watermark_, expiry.watermark);
  const bool file_queue = instance_.shard < 0;
  const auto publishers =
      instance_.publishers ? instance_.publishers(expiry.as_of) : std::vector<std::uint64_t>{};
  Request request;
  // If a crash of the server loses this, deletes are only late.
  request.queries = {
      {Statement::commit_soon},
      {Statement::publish,
       {publisher_text(instance_.publisher), int4(instance_.shard), timestamp(expiry.watermark),
        publishers_parameter(publishers), interval(file_queue ? status_.skew : Duration(0)),
        interval(file_queue ? status_.skew_error : Duration(0))}},
      {Statement::survey}};
  request.done = [self = shared_from_this(), begun = std::chrono::steady_clock::now(),
                  done = std::move(done)](const Failure& failure, std::vector<Result> results) {
    if (failure || results.size() < 3) return done(failure, Timestamp::min());
    const auto took =
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
    const PGresult& survey = *results[2];
    self->compare_clocks(time_at(survey, 0, 1), self->now() - took / 2, took / 2);
    self->read_survey(survey);
    done(failure, self->status_.watermark);
  };
  submit(std::move(request));
}

void Membership::read_survey(const PGresult& survey) {
  const bool known = int8_at(survey, 0, 0) != minus_infinity;
  status_.watermark = known ? time_at(survey, 0, 0) : Timestamp::min();
  status_.silent_instances = static_cast<std::size_t>(int8_at(survey, 0, 2));
  status_.silent.reset();
  if (PQgetisnull(&survey, 0, 3)) return;
  PostgresSilentInstance silent;
  silent.publisher = std::strtoull(text_at(survey, 0, 3).c_str(), nullptr, 16);
  silent.shard = static_cast<int>(read_int32(PQgetvalue(&survey, 0, 4)));
  silent.name = text_at(survey, 0, 5);
  silent.silent = std::chrono::seconds(int8_at(survey, 0, 6));
  status_.silent = std::move(silent);
}

void Membership::stop_instance(Timestamp watermark, std::function<void(const Failure&)> done) {
  write({Statement::stop_instance,
         {publisher_text(instance_.publisher), int4(instance_.shard), timestamp(watermark)}},
        std::move(done));
}

void Membership::remove_publisher(std::uint64_t publisher,
                                  std::function<void(const Failure&)> done) {
  write({Statement::remove_publisher, {publisher_text(publisher), int4(instance_.shard)}},
        std::move(done));
}

void Membership::write(Query query, std::function<void(const Failure&)> done) {
  Request request;
  request.queries = {{Statement::lock_shared}, std::move(query)};
  request.done = [done = std::move(done)](const Failure& failure, const std::vector<Result>&) {
    done(failure);
  };
  submit(std::move(request));
}

Timestamp Membership::now() const {
  if (instance_.now) return instance_.now();
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

// A slow answer is inaccurate: the last good one is kept until it is too old.
void Membership::compare_clocks(Timestamp server, Timestamp local, Duration error) {
  const auto now = std::chrono::steady_clock::now();
  const Duration drifted = std::chrono::duration_cast<Duration>(now - compared_) / drift;
  if (skew_known_ && status_.skew_error + drifted < error) return;
  skew_known_ = true;
  compared_ = now;
  status_.skew = local - server;
  status_.skew_error = error;
  report_skew();
}

// A clock that is far off makes deletes late, here or at the others.
void Membership::report_skew() {
  const Duration sure = std::chrono::abs(status_.skew) - status_.skew_error;
  if (sure <= skew_alarm / 2) skew_reported_ = false;
  if (sure <= skew_alarm || std::exchange(skew_reported_, true) || !log_) return;
  const bool ahead = status_.skew.count() > 0;
  log_(LogLevel::warning, "PostgreSQL: the clock of this instance is " +
                              seconds_text(std::chrono::abs(status_.skew)) +
                              (ahead ? " ahead of" : " behind") +
                              " the server's; until they agree, rows are deleted that much later");
}

}  // namespace postoffice::postgres
