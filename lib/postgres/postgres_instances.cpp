#include "postoffice/defaults/postgres_instances.hpp"

#include <cstdlib>
#include <utility>

#include "net/loop_impl.hpp"
#include "postgres/completions.hpp"
#include "postgres/connection.hpp"
#include "postgres/membership.hpp"
#include "postgres/parameters.hpp"
#include "postgres/schema.hpp"
#include "postgres/task_inbox.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace postgres;

namespace {

ConnectionSettings settings(const PostgresInstancesOptions& options) {
  const std::string script = options.migrate ? migrate_sql : check_sql;
  return {.name = "PostgreSQL (instances)",
          .set_up_script = session_settings(options.statement_timeout.count()) + script,
          .purpose = Purpose::registry,
          .statement_timeout = options.statement_timeout,
          .reconnect_max = options.reconnect_max};
}

ConnectOptions connect_options(const PostgresInstancesOptions& options,
                               const std::string& conninfo) {
  return {conninfo, options.connect_timeout, options.statement_timeout};
}

Timestamp watermark_at(const PGresult& result, int row, int column) {
  const bool never = int8_at(result, row, column) == minus_infinity;
  return never ? Timestamp::min() : time_at(result, row, column);
}

PostgresInstanceList read_list(const PGresult& result) {
  PostgresInstanceList list;
  for (int row = 0; row < PQntuples(&result); ++row) {
    PostgresInstanceRow found;
    found.publisher = std::strtoull(text_at(result, row, 0).c_str(), nullptr, 16);
    found.shard = static_cast<int>(read_int32(PQgetvalue(&result, row, 1)));
    found.name = text_at(result, row, 2);
    found.epoch = int8_at(result, row, 3);
    found.watermark = watermark_at(result, row, 4);
    found.beat = time_at(result, row, 5);
    if (!PQgetisnull(&result, row, 6)) found.stopped = time_at(result, row, 6);
    list.now = time_at(result, row, 7);
    list.rows.push_back(std::move(found));
  }
  return list;
}

std::vector<std::string> read_names(const PGresult& result) {
  std::vector<std::string> names;
  for (int row = 0; row < PQntuples(&result); ++row) names.push_back(text_at(result, row, 0));
  return names;
}

}  // namespace

std::string PostgresInstanceRow::id() const {
  return publisher == 0 ? "shard-" + std::to_string(shard) : publisher_text(publisher);
}

class PostgresInstances::Impl {
 public:
  Impl(asio::io_context& context, const PostgresInstancesOptions& options, Log log)
      : completions_(std::make_shared<Completions>()),
        connection_(std::make_shared<Connection>(context, completions_,
                                                 connect_options(options, options.conninfo),
                                                 settings(options), std::move(log))),
        inbox_(std::make_shared<TaskInbox>(context, completions_,
                                           [connection = connection_] { connection->flush(); })),
        options_(options) {}

  void stop() {
    std::unique_lock lock(completions_->mutex);
    connection_->stop();
    inbox_->end(lock);
  }

  bool use_credentials(const std::string& conninfo) {
    const ConnectOptions fresh = connect_options(options_, conninfo);
    if (!fresh.same_database(connect_options(options_, options_.conninfo))) return false;
    inbox_->add([connection = connection_, fresh] { connection->use(fresh); });
    return true;
  }

  /// `read` makes a value of the last statement's result.
  template <typename Value>
  void ask(std::vector<Query> queries, std::function<Value(const PGresult&)> read,
           std::function<void(std::error_code, Value)> done) {
    auto request = std::make_shared<Request>();
    request->queries = std::move(queries);
    request->done = [completions = completions_, read = std::move(read), done = std::move(done)](
                        const postgres::Failure& failure,
                        const std::vector<postgres::Result>& results) {
      Value value{};
      if (!failure && !results.empty()) value = read(*results.back());
      completions->add(
          [done, code = failure.code, value = std::move(value)] { done(code, value); });
    };
    inbox_->add([connection = connection_, request] { connection->submit(std::move(*request)); });
  }

 private:
  const std::shared_ptr<Completions> completions_;
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<TaskInbox> inbox_;
  const PostgresInstancesOptions options_;
};

PostgresInstances::PostgresInstances(EventLoop& loop, PostgresInstancesOptions options, Log log)
    : impl_(std::make_shared<Impl>(context_of(loop), options, log_in_background(std::move(log)))) {}

PostgresInstances::~PostgresInstances() { impl_->stop(); }

bool PostgresInstances::use_credentials(const std::string& conninfo) {
  return impl_->use_credentials(conninfo);
}

void PostgresInstances::list(ListDone done) {
  impl_->ask<PostgresInstanceList>({{Statement::list_instances}}, read_list, std::move(done));
}

void PostgresInstances::retire(std::string name_or_id, RetireDone done) {
  // The sessions are ended first, in a separate request: one of them may hold the lock.
  impl_->ask<std::size_t>(
      {{Statement::end_sessions, {name_or_id}}}, [](const PGresult&) { return std::size_t{0}; },
      [impl = impl_, name_or_id, done = std::move(done)](std::error_code error, std::size_t) {
        if (error) return done(error, 0);
        impl->ask<std::size_t>(
            {{Statement::lock_registry}, {Statement::retire, {name_or_id}}},
            [](const PGresult& result) {
              // Only its number is asked for, which does not change the result.
              return std::strtoull(PQcmdTuples(const_cast<PGresult*>(&result)), nullptr, 10);
            },
            done);
      });
}

void PostgresInstances::register_publisher(std::uint64_t publisher, std::string name, int shards,
                                           RegisterDone done) {
  impl_->ask<Timestamp>(
      {{Statement::lock_registry},
       {Statement::register_publisher, {publisher_text(publisher), name, int4(shards)}}},
      [](const PGresult& result) { return watermark_at(result, 0, 0); }, std::move(done));
}

void PostgresInstances::beat_worker(std::string name, WorkersDone done) {
  impl_->ask<std::vector<std::string>>(
      {{Statement::beat_worker, {name}}, {Statement::live_workers}}, read_names, std::move(done));
}

}  // namespace postoffice
