#include "postoffice/defaults/sqlite_object_store.hpp"

#include <atomic>
#include <functional>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "sqlite/file.hpp"
#include "sqlite/jobs.hpp"
#include "sqlite/schema.hpp"
#include "sqlite/worker.hpp"

namespace postoffice {

using namespace sqlite;

namespace {

// Rows in one transaction, so that the changes after it do not wait long.
constexpr std::size_t expire_step = 10'000;

constexpr std::chrono::minutes removal_memory{10};

// Deletes the next rows of an expire(), within the caller's transaction.
void run_expire_step(ExpireState& state, Tables& tables) {
  const Expiry& expiry = state.expiry;
  if (state.next_index == 0 && state.next_id == std::numeric_limits<ObjectId>::min()) {
    tables.expired.remember_cutoff(expiry.cutoff);
    tables.expired.forget_removals(expiry.cutoff - removal_memory);
    tables.expired.forget_held(expiry.cutoff - removal_memory);
  }
  if (expiry.scan) {
    const auto ids = tables.expired.expired_ids(state.next_id, expiry.cutoff, expire_step);
    for (const ObjectId id : ids) tables.expired.delete_expired(id, expiry.cutoff, state.result);
    state.finished = ids.size() < expire_step || ids.back() == std::numeric_limits<ObjectId>::max();
    if (!state.finished) state.next_id = ids.back() + 1;
    if (state.finished && expiry.tell_oldest)
      state.result.oldest_left = tables.expired.oldest(expiry.cutoff);
    return;
  }
  const std::size_t end = std::min(state.next_index + expire_step, expiry.ids.size());
  for (; state.next_index < end; ++state.next_index) {
    tables.expired.delete_expired(expiry.ids[state.next_index], expiry.cutoff, state.result);
  }
  state.finished = end == expiry.ids.size();
}

}  // namespace

// Two threads with a connection each: in WAL mode a reader never waits for the writer.
class SqliteObjectStore::Impl {
 public:
  Impl(const std::string& path, const Log& log)
      : writing_(path, "SQLite", stopping_, log, handles_),
        reading_(path, "SQLite (reading)", stopping_, log, handles_),
        writer_([this](std::vector<WriteJob> jobs) { write(std::move(jobs)); }, &refuse_write,
                [this] { writing_.look(); }),
        reader_([this](std::vector<ReadJob> jobs) { jobs.front().run(&reading_); },
                [](ReadJob job) { job.run(nullptr); }) {}

  ~Impl() {
    stopping_ = true;
    writer_.close();
    reader_.close();
    writer_.stop();
    reader_.stop();
  }

  StoreStatus status() const { return writing_.status(); }

  void write(WriteJob job) { writer_.add(std::move(job)); }

  template <typename Found>
  void read(std::function<Found(Tables&)> find, std::function<void(std::error_code, Found)> done) {
    reader_.add({[find = std::move(find), done = std::move(done)](File* file) {
      Found found{};
      std::error_code error = Error::stopped;
      if (file) error = file->use([&](Database&, Tables& tables) { found = find(tables); });
      done(error, std::move(found));
    }});
  }

 private:
  void write(std::vector<WriteJob> jobs) {
    if (jobs.front().expire) {
      expire(std::move(jobs.front()));
    } else {
      apply(jobs);
    }
  }

  // All waiting changes share one transaction, since on a slow disk they mostly wait for its flush.
  void apply(std::vector<WriteJob>& jobs) {
    std::vector<Applied> applied;
    const std::error_code error = writing_.use([&](Database& database, Tables& tables) {
      Transaction transaction(database);
      for (const WriteJob& job : jobs) applied.push_back(tables.writer.apply(job.changes));
      transaction.commit();
    });
    applied.resize(jobs.size());
    for (std::size_t index = 0; index < jobs.size(); ++index) {
      if (error) applied[index] = {.missing = {}, .late = {}, .failure = writing_.failure()};
      jobs[index].apply_done(error, std::move(applied[index]));
    }
  }

  void expire(WriteJob job) {
    ExpireState& state = *job.expire;
    Expired before = state.result;
    const std::error_code error = writing_.use([&](Database& database, Tables& tables) {
      Transaction transaction(database);
      run_expire_step(state, tables);
      transaction.commit();
    });
    if (error) {
      before.failure = writing_.failure();
      state.done(error, std::move(before));
    } else if (state.finished) {
      state.done({}, state.result);
    } else {
      writer_.add(std::move(job));  // after the changes that came meanwhile
    }
  }

  static void refuse_write(WriteJob job) {
    if (job.expire) {
      job.expire->done(Error::stopped, job.expire->result);
    } else {
      job.apply_done(Error::stopped, {});
    }
  }

  std::atomic<bool> stopping_ = false;
  Handles handles_;
  File writing_;
  File reading_;
  Worker<WriteJob> writer_;
  Worker<ReadJob> reader_;
};

SqliteObjectStore::SqliteObjectStore(SqliteObjectStoreOptions options, Log log) {
  if (options.path.empty()) throw std::invalid_argument("the SQLite store needs a path");
  impl_ = std::make_unique<Impl>(options.path, log_in_background(std::move(log)));
}

SqliteObjectStore::~SqliteObjectStore() = default;

StoreStatus SqliteObjectStore::status() const { return impl_->status(); }

void SqliteObjectStore::apply(Changes changes, ApplyDone done) {
  impl_->write({.changes = std::move(changes), .apply_done = std::move(done), .expire = nullptr});
}

void SqliteObjectStore::expire(Expiry expiry, ExpireDone done) {
  auto state = std::make_shared<ExpireState>();
  state->expiry = std::move(expiry);
  state->done = std::move(done);
  impl_->write({.changes = {}, .apply_done = {}, .expire = std::move(state)});
}

void SqliteObjectStore::find(ObjectQuery query, FindDone done) {
  impl_->read<std::vector<Object>>([query](Tables& tables) { return tables.reader.find(query); },
                                   std::move(done));
}

void SqliteObjectStore::find_dead_letters(DeadLetterQuery query, DeadLettersDone done) {
  impl_->read<std::vector<DeadLetter>>(
      [query = std::move(query)](Tables& tables) { return tables.reader.find_dead_letters(query); },
      std::move(done));
}

void SqliteObjectStore::count(CountQuery query, CountDone done) {
  impl_->read<RowCount>([query](Tables& tables) { return tables.reader.count(query); },
                        std::move(done));
}

Failure migrate_sqlite(const std::string& path) {
  try {
    Database database(path, std::chrono::seconds(10), nullptr);
    prepare_file(database);
    return {};
  } catch (const SqlError& error) {
    return {error.code(), "cannot create or upgrade the SQLite file " + path + ": " + error.what()};
  }
}

}  // namespace postoffice
