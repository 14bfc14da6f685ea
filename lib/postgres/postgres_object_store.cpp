#include "postoffice/defaults/postgres_object_store.hpp"

#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "net/loop_impl.hpp"
#include "postgres/applier.hpp"
#include "postgres/commits_ahead.hpp"
#include "postgres/completions.hpp"
#include "postgres/connection.hpp"
#include "postgres/expirer.hpp"
#include "postgres/membership.hpp"
#include "postgres/parameters.hpp"
#include "postgres/read_rows.hpp"
#include "postgres/schema.hpp"
#include "postgres/task_inbox.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace postgres;

namespace {

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

// Lets retire() find and terminate the sessions of an instance.
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

}  // namespace

// Two connections and their users. Everything happens under the lock of `completions_`, on the
// loop, except where a method says otherwise.
//
// Who owns whom: a request under way owns the object that completes it (Applier, Expirer,
// Membership, CommitsAhead), and the connection owns the request. stop() ends all requests. A task
// in the inbox may hold a pointer to this object: the inbox is a member, and runs nothing after
// stop().
class PostgresObjectStore::Impl {
 public:
  Impl(asio::io_context& context, const PostgresObjectStoreOptions& options, const Log& log)
      : options_(options),
        completions_(std::make_shared<Completions>()),
        commits_(std::make_shared<CommitsAhead>(!options.synchronous_commit)),
        writer_(connect(context, log, true)),
        reader_(connect(context, log, false)),
        membership_(join(log)),
        applier_(std::make_shared<Applier>(
            Applier::Parts{completions_, commits_, submit_writing(), submit_bare()})),
        expirer_(std::make_shared<Expirer>(completions_, membership_, submit_writing())),
        inbox_(std::make_shared<TaskInbox>(context, completions_, [this] { handed_over(); })) {}

  /// Any thread, like those that follow.
  void start() { inbox_->wake(); }

  void stop() {
    std::unique_lock lock(completions_->mutex);
    stopped_ = true;
    writer_->stop();
    reader_->stop();
    inbox_->end(lock);
  }

  void apply(const Changes& changes, ApplyDone done) {
    inbox_->add(applier_->task(changes, std::move(done)));
  }

  void expire(Expiry expiry, ExpireDone done) {
    inbox_->add([expirer = expirer_, expiry = std::move(expiry), done = std::move(done)] {
      expirer->expire(expiry, done);
    });
  }

  /// Returns the last known status if the store is busy for longer than a page may wait.
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
    inbox_->add([this, fresh = std::move(fresh)] {
      if (stopped_) return;
      writer_->use(fresh);
      reader_->use(fresh);
    });
    return true;
  }

  bool fenced() const noexcept { return membership_ && membership_->fenced(); }

  void leave(Timestamp watermark, LeaveDone done) {
    with_membership(std::move(done), [watermark](Membership& membership, auto finished) {
      membership.stop_instance(watermark, finished);
    });
  }

  void remove_publisher(std::uint64_t publisher, LeaveDone done) {
    with_membership(std::move(done), [publisher](Membership& membership, auto finished) {
      membership.remove_publisher(publisher, finished);
    });
  }

  template <typename Row>
  void read(Query query, std::function<void(std::error_code, std::vector<Row>)> done) {
    read<std::vector<Row>>(
        std::move(query),
        [](const PGresult& result, std::vector<Row>& rows) { read_rows(result, rows); },
        std::move(done));
  }

  template <typename Found>
  void read(Query query, std::function<void(const PGresult&, Found&)> take,
            std::function<void(std::error_code, Found)> done) {
    Request request;
    request.queries = {std::move(query)};
    request.done = [completions = completions_, take = std::move(take), done = std::move(done)](
                       const postgres::Failure& failure,
                       const std::vector<postgres::Result>& results) {
      Found found{};
      if (!failure && !results.empty()) take(*results[0], found);
      completions->add([done, code = failure.code, found = std::move(found)]() mutable {
        done(code, std::move(found));
      });
    };
    auto shared = std::make_shared<Request>(std::move(request));
    inbox_->add([this, shared] { submit_reading(std::move(*shared)); });
  }

  /// For a query without results. Completes without asking the server, on the loop like every call.
  template <typename Row>
  void read_nothing(std::function<void(std::error_code, std::vector<Row>)> done) {
    inbox_->add([this, done = std::move(done)] {
      const std::error_code code = stopped_ ? make_error_code(Error::stopped) : std::error_code{};
      completions_->add([done, code] { done(code, {}); });
    });
  }

 private:
  std::shared_ptr<Connection> connect(asio::io_context& context, const Log& log, bool writes) {
    ConnectionSettings chosen = settings(options_, writes);
    if (writes) {
      chosen.ended = [commits = commits_](const postgres::Failure& failure) {
        commits->session_ended(failure);
      };
    }
    return std::make_shared<Connection>(context, completions_,
                                        connect_options(options_, options_.conninfo),
                                        std::move(chosen), log);
  }

  std::shared_ptr<Membership> join(const Log& log) {
    if (!options_.instance) return nullptr;
    return std::make_shared<Membership>(*options_.instance, submit_bare(), log);
  }

  std::function<void(Request)> submit_bare() {
    return [writer = writer_](Request request) { writer->submit(std::move(request)); };
  }

  std::function<void(Request)> submit_writing() {
    if (!membership_) return submit_bare();
    return [membership = membership_](Request request) { membership->submit(std::move(request)); };
  }

  /// Calls `act` with the membership and the completion that it must call. Any thread.
  template <typename Act>
  void with_membership(LeaveDone done, Act act) {
    const auto finished = [completions = completions_,
                           done = std::move(done)](const postgres::Failure& failure) {
      completions->add([done, code = failure.code] { done(code); });
    };
    inbox_->add([this, finished, act] {
      if (membership_ && !stopped_) return act(*membership_, finished);
      finished(stopped_ ? postgres::Failure{Error::stopped} : postgres::Failure{});
    });
  }

  // A page learns at once that the server is down. A server that is busy with writes may still
  // answer reads.
  void submit_reading(Request request) {
    const postgres::Failure away = writer_->ready() ? postgres::Failure{} : writer_->down();
    const postgres::Failure failure = away ? away : reader_->down();
    if (failure && !stopped_) return request.done(failure, {});
    reader_->submit(std::move(request));
    used_reader_ = true;
  }

  void handed_over() {
    writer_->flush();
    if (used_reader_) reader_->flush();
    applier_->set_unicode(writer_->is_unicode());
  }

  const PostgresObjectStoreOptions options_;
  const std::shared_ptr<Completions> completions_;
  const std::shared_ptr<CommitsAhead> commits_;
  const std::shared_ptr<Connection> writer_;
  const std::shared_ptr<Connection> reader_;
  const std::shared_ptr<Membership>
      membership_;  // null: the store is the only writer of the tables
  const std::shared_ptr<Applier> applier_;
  const std::shared_ptr<Expirer> expirer_;
  const std::shared_ptr<TaskInbox> inbox_;
  bool stopped_ = false;
  bool used_reader_ = false;
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
    impl_->read_nothing<Object>(std::move(done));
  }
}

void PostgresObjectStore::find_dead_letters(DeadLetterQuery query, DeadLettersDone done) {
  if (const auto statement = find_dead_letters_query(query)) {
    impl_->read<DeadLetter>(*statement, std::move(done));
  } else {
    impl_->read_nothing<DeadLetter>(std::move(done));
  }
}

void PostgresObjectStore::count(CountQuery query, CountDone done) {
  if (const auto statement = count_query(query)) {
    impl_->read<RowCount>(
        *statement,
        [query](const PGresult& result, RowCount& count) { count = read_count(result, query); },
        std::move(done));
  } else {
    impl_->read_nothing<RowCount>(
        [done = std::move(done)](std::error_code error, const std::vector<RowCount>&) {
          done(error, {});
        });
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
