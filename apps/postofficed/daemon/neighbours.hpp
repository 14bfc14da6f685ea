// Messages about other instances on the same database: the one that has this one's place, and the
// one that deletes wait for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// What is wrong, and what to do about it. `store` as shown to people.
struct Advice {
  std::string what;
  std::string next;
};

/// For a fenced instance: which one has its place, and since when.
Advice about_successor(const postoffice::PostgresInstanceStatus& status, const std::string& store);

/// The same for a shard of a worker.
Advice about_other_worker(const postoffice::PostgresInstanceStatus& status);

/// The silent instance that deletes wait for; nothing if there is none.
std::optional<Advice> about_silent(const postoffice::PostgresInstanceStatus& status,
                                   const std::string& store);

/// Reports once that deletes wait for a silent instance, and once that they no longer do.
class SilenceReport {
 public:
  using Line = std::pair<postoffice::LogLevel, std::string>;

  std::optional<Line> look(const postoffice::PostgresInstanceStatus& status,
                           const std::string& store);

 private:
  std::string reported_;  // id of the reported instance; empty: none
};

/// Refuses callbacks while `refused` returns an error. It is called for each callback, on any
/// thread.
class GuardedIngress final : public postoffice::Ingress {
 public:
  GuardedIngress(postoffice::Ingress& inner, std::function<std::error_code()> refused)
      : inner_(inner), refused_(std::move(refused)) {}

  std::error_code start(Accept accept) override;
  void stop(StopDone done) override { inner_.stop(std::move(done)); }

 private:
  postoffice::Ingress& inner_;
  const std::function<std::error_code()> refused_;
};

}  // namespace postofficed
