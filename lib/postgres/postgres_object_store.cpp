#include "postoffice/defaults/postgres_object_store.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "event_loop/loop_impl.hpp"
#include "postgres/apply_request.hpp"
#include "postgres/array_writer.hpp"
#include "postgres/completions.hpp"
#include "postgres/connection.hpp"
#include "postgres/expire_backlog.hpp"
#include "postgres/expire_job.hpp"
#include "postgres/flush_watch.hpp"
#include "postgres/membership.hpp"
#include "postgres/parameters.hpp"
#include "postgres/read_rows.hpp"
#include "postgres/schema.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace postgres;

namespace {

constexpr std::chrono::minutes between_forgetting{1};

/// A smaller transaction waits for its commit even where others do not: somebody may be waiting for
/// the rows, and there is little to compute meanwhile.
constexpr std::size_t rows_not_awaited = 1'000;

void check(const PostgresObjectStoreOptions& options) {
  if (options.connect_timeout.count() <= 0 || options.statement_timeout.count() <= 0 ||
      options.reconnect_max.count() <= 0) {
    throw std::invalid_argument("the time limits of the PostgreSQL store must be above zero");
  }
  if (!options.instance) return;
  if ((options.instance->publisher == 0) == (options.instance->shard < 0)) {
    throw std::invalid_argument("an instance is a publisher's file queue or a shard");
  }
}

std::size_t rows_of(const Changes& changes) {
  return changes.touches.size() + changes.answers.size() + changes.removals.size();
}

// So that sessions of an instance that is retired can be found, and ended.
std::string session_name(const PostgresInstance& instance) {
  return "SET application_name = 'postoffice-" + publisher_text(instance.publisher) + "." +
         std::to_string(instance.shard) + "';";
}

ConnectionSettings settings(const PostgresObjectStoreOptions& options, bool writes) {
  const auto writing = options.synchronous_commit ? Purpose::writing : Purpose::writing_ahead;
  std::string script = options.migrate ? migrate_sql : check_sql;
  if (writes && options.instance) script = session_name(*options.instance) + script;
  return {.name = writes ? "PostgreSQL" : "PostgreSQL (reading)",
          .set_up_script = session_settings(options.statement_timeout.count()) + script,
          .purpose = writes ? writing : Purpose::reading,
          .statement_timeout = options.statement_timeout,
          .reconnect_max = options.reconnect_max};
}

ConnectOptions connect_options(const PostgresObjectStoreOptions& options,
                               const std::string& conninfo) {
  return {conninfo, options.connect_timeout, options.statement_timeout};
}

LogPosition position_at(const PGresult& positions, int column) {
  return static_cast<LogPosition>(int8_at(positions, 0, column));
}

}  // namespace

class PostgresObjectStore::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, const PostgresObjectStoreOptions& options, const Log& log)
      : context_(context),
        options_(options),
        completions_(std::make_shared<Completions>()),
        writer_(connect(options, log, true)),
        reader_(connect(options, log, false)),
        commits_ahead_(!options.synchronous_commit) {
    if (!options.instance) return;
    const auto submit = [this](Request request) { writer_->submit(std::move(request)); };
    membership_.emplace(*options.instance, submit, log);
  }

  void start() {
    const std::lock_guard lock(completions_->mutex);
    schedule();
  }

  void stop() {
    std::unique_lock lock(completions_->mutex);
    stopped_ = true;
    hand_over();
    writer_->stop();
    reader_->stop();
    completions_->run_and_unlock(std::move(lock));
    lock = std::unique_lock(completions_->mutex);
    completions_->wait_until_idle(lock);
  }

  void apply(const Changes& changes, ApplyDone done) {
    auto queries = std::make_shared<std::vector<Query>>(apply_queries(changes, unicode_));
    // Whether a commit waited, only the server knows: one that wrote nothing does not. So all are
    // asked.
    const bool asked = commits_ahead_;
    const bool ahead = asked && rows_of(changes) >= rows_not_awaited;
    if (ahead) queries->insert(queries->begin(), {Statement::commit_soon});
    const auto request = std::make_shared<Request>();
    request->queries = *queries;
    request->tell_position = asked;
    request->asker = Asker::apply;
    request->by_rows = !changes.each;
    for (Query& query : *queries) query.parameters.clear();
    request->done = [this, queries, asked, ahead, each = changes.each, done = std::move(done)](
                        const Failure& failure, const std::vector<Result>& results) {
      --applies_under_way_;
      Applied applied;
      const bool rejected = !each && may_be_about_rows(failure);
      if (!failure) applied = read_applied(*queries, results);
      if (!failure && ahead) {
        wait_for_log(position_at(*results.back(), 0), done, std::move(applied));
      } else {
        complete(done, rejected ? make_error_code(Error::rejected) : failure.code,
                 std::move(applied));
      }
      if (!failure && asked) commits_.flushed(position_at(*results.back(), 1));
      flush_log();
    };
    const std::lock_guard lock(completions_->mutex);
    inbox_.push_back([this, request] {
      ++applies_under_way_;
      submit_writing(std::move(*request));
    });
    schedule();
  }

  void expire(Expiry expiry, ExpireDone done) {
    const auto shared = std::make_shared<Expiry>(std::move(expiry));
    const std::lock_guard lock(completions_->mutex);
    inbox_.push_back([this, shared, done = std::move(done)] {
      if (membership_) return expire_with_others(*shared, done);
      start_expiry(*shared, [this, done](const Failure& failure, Expired expired) {
        complete(done, failure.code, expired);
      });
    });
    schedule();
  }

  /// As it was a moment ago, should the store be busy for longer than a page may wait.
  PostgresInstanceStatus instance_status() const {
    std::unique_lock lock(completions_->mutex, std::try_to_lock);
    for (int times = 0; !lock && times < 20; ++times) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      [[maybe_unused]] const bool locked = lock.try_lock();
    }
    const std::lock_guard shown(shown_mutex_);
    if (lock && membership_) shown_status_ = membership_->status();
    return shown_status_;
  }

  StoreStatus status() const { return writer_->health().status(std::chrono::steady_clock::now()); }

  bool use_credentials(const std::string& conninfo) {
    ConnectOptions fresh = connect_options(options_, conninfo);
    if (!fresh.same_database(connect_options(options_, options_.conninfo))) return false;
    const std::lock_guard lock(completions_->mutex);
    inbox_.push_back([this, fresh = std::move(fresh)] {
      if (stopped_) return;
      writer_->use(fresh);
      reader_->use(fresh);
    });
    schedule();
    return true;
  }

  bool fenced() const noexcept { return membership_ && membership_->fenced(); }

  void leave(Timestamp watermark, LeaveDone done) {
    with_membership(std::move(done), [this, watermark](auto finished) {
      membership_->stop_instance(watermark, finished);
    });
  }

  void remove_publisher(std::uint64_t publisher, LeaveDone done) {
    with_membership(std::move(done), [this, publisher](auto finished) {
      Request request;
      request.queries = {{Statement::lock_shared},
                         {Statement::remove_publisher,
                          {publisher_text(publisher), int4(membership_->instance().shard)}}};
      request.done = [finished](const Failure& failure, const std::vector<Result>&) {
        finished(failure);
      };
      membership_->submit(std::move(request));
    });
  }

  template <typename Row>
  void read(Query query, std::function<void(std::error_code, std::vector<Row>)> done) {
    Request request;
    request.queries = {std::move(query)};
    request.done = [this, done = std::move(done)](const Failure& failure,
                                                  std::vector<Result> results) {
      std::vector<Row> rows;
      if (!failure && !results.empty()) read_rows(*results[0], rows);
      complete(done, failure.code, std::move(rows));
    };
    const std::lock_guard lock(completions_->mutex);
    auto shared = std::make_shared<Request>(std::move(request));
    inbox_.push_back([this, shared] { submit_reading(std::move(*shared)); });
    schedule();
  }

  /// Completes without asking the server, on the loop like every call.
  template <typename Done, typename Value>
  void answer(Done done, Value value) {
    const std::lock_guard lock(completions_->mutex);
    inbox_.push_back([this, done = std::move(done), value = std::move(value)] {
      complete(done, stopped_ ? make_error_code(Error::stopped) : std::error_code{}, value);
    });
    schedule();
  }

 private:
  std::shared_ptr<Connection> connect(const PostgresObjectStoreOptions& options, const Log& log,
                                      bool writes) {
    ConnectionSettings chosen = settings(options, writes);
    if (writes) chosen.ended = [this](const Failure& failure) { commits_.fail(failure); };
    return std::make_shared<Connection>(
        context_, completions_, connect_options(options, options.conninfo), std::move(chosen), log);
  }

  /// `act` is called on the loop, with what it has to call in the end.
  template <typename Act>
  void with_membership(LeaveDone done, Act act) {
    const auto finished = [this, done = std::move(done)](const Failure& failure) {
      completions_->add([done, code = failure.code] { done(code); });
    };
    const std::lock_guard lock(completions_->mutex);
    inbox_.push_back([this, finished, act] {
      if (membership_ && !stopped_) return act(finished);
      finished(stopped_ ? Failure{.code = Error::stopped} : Failure{});
    });
    schedule();
  }

  // The rest needs the lock.

  void wait_for_log(LogPosition end, const ApplyDone& done, Applied applied) {
    commits_.committed(end, [this, done, applied = std::move(applied)](const Failure& failure) {
      complete(done, failure.code, failure ? Applied{} : applied);
    });
  }

  // While transactions follow each other the server flushes its log by itself. Behind the last one
  // it would take its time.
  void flush_log() {
    if (!commits_.waiting() || applies_under_way_ > 0 || std::exchange(flushing_, true)) return;
    Request request;
    request.queries = {{Statement::flush_log}};
    request.done = [this](const Failure& failure, const std::vector<Result>&) {
      flushing_ = false;
      if (!failure) return commits_.flushed();
      if (!failure.reconnect) commits_ahead_ = false;  // not allowed, perhaps: so one by one
      commits_.fail(failure);
    };
    writer_->submit(std::move(request));
  }

  void submit_writing(Request request) {
    if (membership_) return membership_->submit(std::move(request));
    writer_->submit(std::move(request));
  }

  void start_expiry(Expiry expiry, ExpireJob::Finished finished) {
    const ExpireJob::Manners manners{.forget = is_time_to_forget(expiry.cutoff),
                                     .wait_briefly = membership_.has_value()};
    const auto submit = [this](Request request) { submit_writing(std::move(request)); };
    std::make_shared<ExpireJob>(std::move(expiry), manners, submit, std::move(finished))->start();
  }

  // First the others are told how far this queue has come; what they have not passed yet, waits.
  void expire_with_others(const Expiry& expiry, const ExpireDone& done) {
    membership_->publish(expiry, [this, expiry, done](const Failure& failure, Timestamp all) {
      if (failure) return complete(done, failure.code, Expired{});
      const bool known = all != Timestamp::min();
      const auto reached = std::min(expiry.cutoff, known ? all - margin_of(expiry) : Timestamp{});
      Expiry due = backlog_.due(expiry, reached);
      if (due.ids.empty() && !due.scan) {
        backlog_.done(expiry, reached);
        return complete(done, std::error_code{}, Expired{});
      }
      start_expiry(std::move(due), [=, this](const Failure& result, Expired expired) {
        if (!result) backlog_.done(expiry, reached);
        complete(done, result.code, expired);
      });
    });
  }

  // Whoever looks at a page is told at once that the server is away. One that is busy writing may
  // still answer who reads.
  void submit_reading(Request request) {
    const Failure away = writer_->ready() ? Failure{} : writer_->down();
    const Failure failure = away ? away : reader_->down();
    if (failure && !stopped_) return request.done(failure, {});
    reader_->submit(std::move(request));
    used_reader_ = true;
  }

  void schedule() {
    if (std::exchange(scheduled_, true)) return;
    asio::post(context_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      const auto completions = self->completions_;
      std::unique_lock lock(completions->mutex);
      if (self->stopped_) return;
      self->hand_over();
      completions->run_and_unlock(std::move(lock));
    });
  }

  void hand_over() {
    scheduled_ = false;
    const auto inbox = std::exchange(inbox_, {});
    for (const auto& task : inbox) task();
    if (stopped_) return;
    writer_->flush();
    if (used_reader_) reader_->flush();
    unicode_ = writer_->is_unicode();
  }

  bool is_time_to_forget(Timestamp cutoff) {
    if (cutoff < forgotten_ + between_forgetting) return false;
    forgotten_ = cutoff;
    return true;
  }

  template <typename Done, typename Value>
  void complete(const Done& done, std::error_code code, Value value) {
    completions_->add(
        [done, code, value = std::move(value)]() mutable { done(code, std::move(value)); });
  }

  asio::io_context& context_;
  const PostgresObjectStoreOptions options_;
  const std::shared_ptr<Completions> completions_;
  const std::shared_ptr<Connection> writer_;
  const std::shared_ptr<Connection> reader_;
  std::optional<Membership> membership_;
  ExpireBacklog backlog_;
  std::vector<std::function<void()>> inbox_;
  bool scheduled_ = false;
  bool stopped_ = false;
  bool used_reader_ = false;
  std::atomic<bool> unicode_ = true;
  std::atomic<bool> commits_ahead_;
  std::size_t applies_under_way_ = 0;
  FlushWatch commits_;
  bool flushing_ = false;
  Timestamp forgotten_{};
  mutable std::mutex shown_mutex_;
  mutable PostgresInstanceStatus shown_status_;
};

PostgresObjectStore::PostgresObjectStore(EventLoop& loop, PostgresObjectStoreOptions options,
                                         Log log) {
  check(options);
  impl_ = std::make_shared<Impl>(context_of(loop), options, log_in_background(std::move(log)));
  impl_->start();
}

PostgresObjectStore::~PostgresObjectStore() { impl_->stop(); }

void PostgresObjectStore::apply(Changes changes, ApplyDone done) {
  impl_->apply(changes, std::move(done));
}

void PostgresObjectStore::expire(Expiry expiry, ExpireDone done) {
  impl_->expire(std::move(expiry), std::move(done));
}

void PostgresObjectStore::find(ObjectQuery query, FindDone done) {
  if (const auto statement = find_query(query)) {
    impl_->read<Object>(*statement, std::move(done));
  } else {
    impl_->answer(std::move(done), std::vector<Object>{});
  }
}

void PostgresObjectStore::find_dead_letters(std::optional<ObjectId> after, std::size_t limit,
                                            DeadLettersDone done) {
  if (const auto statement = find_dead_letters_query(after, limit)) {
    impl_->read<DeadLetter>(*statement, std::move(done));
  } else {
    impl_->answer(std::move(done), std::vector<DeadLetter>{});
  }
}

PostgresInstanceStatus PostgresObjectStore::instance_status() const {
  return impl_->instance_status();
}

bool PostgresObjectStore::fenced() const noexcept { return impl_->fenced(); }

StoreStatus PostgresObjectStore::status() const { return impl_->status(); }

bool PostgresObjectStore::use_credentials(const std::string& conninfo) {
  return impl_->use_credentials(conninfo);
}

void PostgresObjectStore::leave(Timestamp watermark, LeaveDone done) {
  impl_->leave(watermark, std::move(done));
}

void PostgresObjectStore::remove_publisher(std::uint64_t publisher, LeaveDone done) {
  impl_->remove_publisher(publisher, std::move(done));
}

}  // namespace postoffice
