#include "daemon/neighbours.hpp"

#include "postoffice/defaults/postgres_instances.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

using postoffice::PostgresInstanceStatus;
using postoffice::PostgresSilentInstance;

std::string seconds(postoffice::Duration span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s";
}

std::string retire(const std::string& instance, const std::string& store) {
  return "`postofficed instances retire " + instance + " --store '" + store + "'`";
}

std::string id_of(const PostgresSilentInstance& silent) {
  postoffice::PostgresInstanceRow row;
  row.publisher = silent.publisher;
  row.shard = silent.shard;
  return row.id();
}

std::string others(const PostgresInstanceStatus& status) {
  if (status.silent_instances < 2) return {};
  return " (and " + std::to_string(status.silent_instances - 1) + " more)";
}

}  // namespace

Advice about_successor(const PostgresInstanceStatus& status, const std::string& store) {
  constexpr const char* about_copies =
      "one data directory is a copy of the other: stop one of the two permanently";
  if (!status.successor) return {"another daemon has taken this one's place", about_copies};
  const auto& other = *status.successor;
  Advice advice;
  advice.what = other.name + " has held this daemon's place in the database since " +
                rfc3339(other.since) + ", so nothing can be stored; it last reported " +
                seconds(other.silent) + " ago";
  advice.next = std::string(about_copies) + "; when " + other.name +
                " has stopped with nothing left, this one continues by itself; if it has gone "
                "in another way: " +
                retire(other.name, store);
  return advice;
}

Advice about_other_worker(const PostgresInstanceStatus& status) {
  const std::string name = status.successor ? status.successor->name : "another worker";
  return {
      name + " writes for a shard that the broker serves here, so nothing of that shard is stored",
      "check whether workers of two brokers share this database; each broker needs its own"};
}

std::optional<Advice> about_silent(const PostgresInstanceStatus& status, const std::string& store) {
  if (!status.silent) return std::nullopt;
  const auto& silent = *status.silent;
  const auto id = id_of(silent);
  if (silent.publisher == 0) {
    return Advice{"deletes wait for shard " + std::to_string(silent.shard) +
                      ", on which no worker has reported for " + seconds(silent.silent) +
                      others(status),
                  "start a worker, or find out why none reaches the shard; if the shard no longer "
                  "exists: " +
                      retire(id, store)};
  }
  return Advice{"deletes wait for instance " + silent.name + " (" + id + "), silent for " +
                    seconds(silent.silent) + others(status),
                "start it again, since it may hold accepted callbacks; if it will not return "
                "(this database is a copy, for example): " +
                    retire(silent.name.empty() ? id : silent.name, store)};
}

std::optional<SilenceReport::Line> SilenceReport::look(const PostgresInstanceStatus& status,
                                                       const std::string& store) {
  using postoffice::LogLevel;
  const std::string now = status.silent ? id_of(*status.silent) : std::string();
  if (now == reported_) return std::nullopt;
  const std::string before = std::exchange(reported_, now);
  if (now.empty()) return Line{LogLevel::info, "deletes no longer wait for " + before};
  const auto advice = about_silent(status, store);
  return Line{LogLevel::warning, advice->what + "; " + advice->next};
}

std::error_code GuardedIngress::start(Accept accept) {
  return inner_.start([this, accept = std::move(accept)](std::span<const postoffice::ObjectId> ids,
                                                         postoffice::Queue::AppendDone done) {
    if (const auto error = refused_()) return done(error, {});
    accept(ids, std::move(done));
  });
}

}  // namespace postofficed
