#include <filesystem>

#include "commands/validate/trials.hpp"
#include "options/redaction.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/store_session.hpp"
#ifdef POSTOFFICED_RABBITMQ
#include "daemon/cluster_role.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#endif

namespace postofficed {
namespace {

void worse(Trial& trial, Trial::Result result, const std::string& found, const std::string& next) {
  if (result <= trial.result) return;
  trial.result = result;
  trial.found += "; " + found;
  trial.next = next;
}

Trial try_postgres(const StoreLocation& location) {
  using Result = Trial::Result;
  Trial trial{"store", "connect to " + describe(location), Result::ok, {}};
  const auto facts = postoffice::look_at_postgres(location.target);
  if (!facts) {
    const auto& failure = facts.error();
    const bool wrong = failure.code == postoffice::Error::bad_options;
    trial.result = wrong ? Result::wrong : Result::unreachable;
    trial.found = redact_in(failure.text(), location.target);
    trial.next = wrong ? "correct --store"
                       : "start the server, or correct --store: address, user, "
                         "password, database";
    return trial;
  }
  const std::string schema = facts->schema.empty() ? "" : "schema " + facts->schema;
  trial.found = "PostgreSQL " + facts->version + ", " + schema + ", " +
                (facts->has_tables ? "tables are there" : "tables are still to be created");
  if (facts->schema.empty())
    worse(trial, Result::unreachable, "the search path names no schema that exists",
          "create the schema, or set the user's search_path");
  if (facts->read_only)
    worse(trial, Result::unreachable, "it takes no writes",
          "connect to the primary (target_session_attrs=read-write)");
  if (facts->has_tables && !facts->may_use_tables)
    worse(trial, Result::unreachable, "this user may not read and write them",
          "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN " + schema);
  if (!facts->has_tables && !facts->may_create_tables)
    worse(trial, Result::unreachable, "this user may not create them",
          "GRANT CREATE ON " + schema + ", or run `postofficed migrate` as another user");
  if (!facts->flushes)
    worse(trial, Result::warning,
          "fsync or full_page_writes is off: a crash of the server loses or "
          "damages what was committed",
          "turn both on");
  return trial;
}

// A database that does not exist yet is made when the daemon starts.
Trial try_sqlite(const StoreLocation& location) {
  Trial trial{"store", "open " + describe(location), Trial::Result::ok, "readable"};
  std::error_code error;
  if (!std::filesystem::exists(location.target, error) && !error) {
    trial.found = "is still to be created";
    return trial;
  }
  StoreSession session(location);
  auto failure = session.open();
  if (!failure) {
    postoffice::DeadLetterQuery one;
    one.limit = 1;
    auto letters = session.find_dead_letters(std::move(one));
    if (!letters) failure = std::move(letters).error();
  }
  if (!failure) return trial;
  trial.result = Trial::Result::unreachable;
  trial.found = failure.text();
  trial.next = "see that the file is a database of Postoffice and may be read";
  return trial;
}

}  // namespace

Trial try_store(const Options& options) {
  const bool sqlite = options.store.kind == StoreLocation::Kind::sqlite;
  return sqlite ? try_sqlite(options.store) : try_postgres(options.store);
}

#ifdef POSTOFFICED_RABBITMQ
Trial try_broker(const Options& options) {
  Trial trial{"queue", "log in to " + describe(options.queue), Trial::Result::ok, "logged in"};
  const auto failure = postoffice::check_rabbit(rabbit_options(options));
  if (!failure) return trial;
  trial.result = Trial::Result::unreachable;
  trial.found = redact_in(failure.text(), options.queue.url);
  trial.next = "start the broker, or correct --queue: address, user, password, virtual host";
  return trial;
}
#else
Trial try_broker(const Options& options) {
  return {"queue", describe(options.queue), Trial::Result::wrong, "RabbitMQ is not built in"};
}
#endif

}  // namespace postofficed
