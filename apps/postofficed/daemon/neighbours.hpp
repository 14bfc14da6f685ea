// Others on the same database, in words: who has this one's place, and for whom deletes wait.
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

/// What is wrong, and what to do about it. `store` as it is shown to people.
struct Advice {
  std::string what;
  std::string next;
};

/// Of one that is fenced: who has its place, and since when.
Advice about_successor(const postoffice::PostgresInstanceStatus& status, const std::string& store);

/// The same of a worker, for one of its shards.
Advice about_other_worker(const postoffice::PostgresInstanceStatus& status);

/// Of one that deletes wait for; nothing if there is none.
std::optional<Advice> about_silent(const postoffice::PostgresInstanceStatus& status,
                                   const std::string& store);

/// Says once that deletes wait for somebody silent, and once that they no longer do.
class SilenceReport {
 public:
  using Line = std::pair<postoffice::LogLevel, std::string>;

  std::optional<Line> look(const postoffice::PostgresInstanceStatus& status,
                           const std::string& store);

 private:
  std::string reported_;  // id; empty: nobody
};

/// Lets nothing in while `refused` gives an error. Asked for each callback, on any thread.
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
