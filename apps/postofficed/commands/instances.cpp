#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "commands/commands.hpp"
#include "commands/instance_choice.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "support/json.hpp"
#include "support/last_warning.hpp"

namespace postofficed {
namespace {

using postoffice::PostgresInstanceList;
using postoffice::PostgresInstanceRow;
using postoffice::Timestamp;

constexpr std::chrono::seconds patience{10};

std::string shard_text(const PostgresInstanceRow& row) {
  return row.shard < 0 ? "-" : std::to_string(row.shard);
}

double seconds(postoffice::Duration span) { return std::chrono::duration<double>(span).count(); }

// How far deletes wait for this one; of one that has stopped, the watermark goes on by itself.
double lag_of(const PostgresInstanceRow& row, Timestamp now) {
  return seconds(row.stopped ? *row.stopped - row.watermark : now - row.watermark);
}

void print_json(const PostgresInstanceRow& row, Timestamp now) {
  const bool told = row.watermark != Timestamp::min();
  Json json;
  json.begin_object().member("name", row.name).member("id", row.id());
  json.key("shard");
  row.shard < 0 ? json.null() : json.value(row.shard);
  json.member("epoch", row.epoch);
  json.key("watermark");
  told ? json.value(row.watermark) : json.null();
  json.key("watermark_lag_seconds");
  told ? json.value(lag_of(row, now)) : json.null();
  json.member("beat_age_seconds", seconds(now - row.beat))
      .member("stopped", row.stopped.has_value())
      .end_object();
  std::printf("%s\n", json.text().c_str());
}

void print_row(const PostgresInstanceRow& row, Timestamp now) {
  const bool told = row.watermark != Timestamp::min();
  const std::string lag = told ? std::to_string(lag_of(row, now)) : "-";
  std::printf("%-32s  %-16s  %5s  %8lld  %14.*s  %10.1f  %s\n", row.name.c_str(), row.id().c_str(),
              shard_text(row).c_str(), static_cast<long long>(row.epoch),
              static_cast<int>(lag.size() > 5 ? lag.size() - 5 : lag.size()), lag.c_str(),
              seconds(now - row.beat), row.stopped ? "stopped" : "");
}

void print(const PostgresInstanceList& list, bool json) {
  if (!json && !list.rows.empty()) {
    std::printf("%-32s  %-16s  %5s  %8s  %14s  %10s\n", "NAME", "ID", "SHARD", "EPOCH",
                "WATERMARK LAG", "BEAT AGE");
  }
  for (const auto& row : list.rows) json ? print_json(row, list.now) : print_row(row, list.now);
}

/// Calls that wait for their result.
class Registry {
 public:
  explicit Registry(const StoreLocation& store)
      : store_(store), instances_(loop_, options(store), warning_.log()) {
    loop_.start();
  }
  ~Registry() { loop_.stop(); }

  /// `call` is given what to call with an error and a result.
  template <typename Value, typename Call>
  Result<Value> wait_for(const Call& call) {
    const auto answer = std::make_shared<std::promise<std::pair<std::error_code, Value>>>();
    auto future = answer->get_future();
    call(instances_, [answer](std::error_code error, Value value) {
      answer->set_value({error, std::move(value)});
    });
    if (future.wait_for(patience) != std::future_status::ready) return unavailable("no answer");
    auto [error, value] = future.get();
    if (!error) return std::move(value);
    const auto why = warning_.get();
    return unavailable(why.empty() ? error.message() : why);
  }

 private:
  static postoffice::PostgresInstancesOptions options(const StoreLocation& store) {
    return {.conninfo = store.target, .migrate = false};
  }
  Failure unavailable(const std::string& reason) const {
    return {ExitCode::unavailable, describe(store_) + ": " + reason};
  }

  const StoreLocation store_;
  const LastWarning warning_;
  postoffice::EventLoop loop_;
  postoffice::PostgresInstances instances_;
};

Result<PostgresInstanceList> find_all(Registry& registry) {
  return registry.wait_for<PostgresInstanceList>(
      [](auto& instances, auto done) { instances.list(done); });
}

Failure list(Registry& registry, bool json) {
  const auto found = find_all(registry);
  if (!found) return found.error();
  print(*found, json);
  return {};
}

void print_retired(const std::string& id, const Options& options) {
  if (!options.json) {
    std::printf("%s retired: deletes no longer wait for it\n", options.instance.c_str());
    return;
  }
  Json json;
  json.begin_object().member("retired", id).end_object();
  std::printf("%s\n", json.text().c_str());
}

Failure retire(Registry& registry, const Options& options) {
  const auto found = find_all(registry);
  if (!found) return found.error();
  const auto id = choose_instance(*found, options.instance);
  if (!id) return id.error();
  if (const auto why = why_alive(*found, *id); !why.empty() && !options.force)
    return {ExitCode::usage, why};
  const auto rows = registry.wait_for<std::size_t>(
      [&](auto& instances, auto done) { instances.retire(*id, done); });
  if (!rows) return rows.error();
  if (*rows == 0) return {ExitCode::usage, *id + " is gone already"};
  print_retired(*id, options);
  return {};
}

}  // namespace

// 78 rather than 69 for SQLite: no service is missing that could come back.
Failure instances(const Options& options) try {
  if (options.store.kind != StoreLocation::Kind::postgres) {
    return {ExitCode::configuration, "instances share a PostgreSQL database; " +
                                         describe(options.store) + " belongs to one daemon"};
  }
  Registry registry(options.store);
  if (options.command == Command::instances_list) return list(registry, options.json);
  return retire(registry, options);
} catch (const std::invalid_argument& error) {
  return {ExitCode::configuration, std::string("store: ") + error.what()};
}

}  // namespace postofficed
