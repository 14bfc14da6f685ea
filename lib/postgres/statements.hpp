// Every statement that is prepared on a connection, and what the session is set to.
#pragma once

#include <span>
#include <string>

namespace postoffice::postgres {

/// The first two are for who does not wait at each commit, those from lock_registry on for who
/// looks after the instances, those from find_one on only read.
enum class Statement {
  log_position,
  flush_log,
  lock_shared,
  lock_alone,
  touch,
  missing,
  update,
  create,
  remove,
  clear_dead_letters,
  add_dead_letters,
  apply_each,
  hold,
  remember_cutoff,
  forget_removals,
  forget_held,
  table_pages,
  expire_ids,
  expire_ids_each,
  expire_pages,
  expire_pages_and_tell,
  expire_pages_each,
  lock_briefly,
  commit_soon,
  discard_plans,
  fence,
  register_instance,
  publish,
  find_successor,
  survey,
  stop_instance,
  remove_publisher,
  forget_stopped,
  lock_registry,
  register_publisher,
  end_sessions,
  retire,
  list_instances,
  beat_worker,
  live_workers,
  find_one,
  find_page,
  find_dead_letters,
};

/// What a connection prepares. To prepare a statement locks its tables a little, so one that reads
/// must not prepare what writes.
enum class Purpose { writing, writing_ahead, registry, reading };

struct StatementText {
  const char* name;
  const char* sql;
};

std::span<const StatementText> statements(Purpose purpose);

const char* name_of(Statement statement);

/// Settings that the store relies on. `statement_timeout` in milliseconds.
std::string session_settings(long long statement_timeout);

}  // namespace postoffice::postgres
