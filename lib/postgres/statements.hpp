// Every statement that is prepared on a connection, and which sessions prepare it. The texts are in
// sql/*.sql, with the reasons; the build turns them into a source.
#pragma once

#include <string>
#include <vector>

namespace postoffice::postgres {

/// `-- name: touch` in sql/*.sql is Statement::touch. The order means nothing.
enum class Statement {
  // apply.sql
  lock_shared,
  lock_alone,
  hold,
  touch,
  missing,
  update,
  create,
  remove,
  clear_dead_letters,
  add_dead_letters,
  apply_each,
  commit_soon,
  log_position,
  flush_log,
  discard_plans,
  // expire.sql
  lock_briefly,
  remember_cutoff,
  forget_removals,
  forget_held,
  forget_stopped,
  table_pages,
  expire_ids,
  expire_pages,
  expire_pages_and_tell,
  expire_ids_each,
  expire_pages_each,
  // instances.sql
  fence,
  register_instance,
  find_successor,
  publish,
  survey,
  stop_instance,
  remove_publisher,
  lock_registry,
  register_publisher,
  end_sessions,
  retire,
  list_instances,
  beat_worker,
  live_workers,
  // read.sql
  find_one,
  find_page,
  find_dead_letters,
  find_dead_letters_among,
  count_objects,
  count_dead_letters,
};

struct StatementText {
  const char* name = nullptr;  ///< under which it is prepared
  const char* sql = nullptr;
};

/// Written by the build (cmake/EmbedSql.cmake).
StatementText text_of(Statement statement);

/// What a session is for. It prepares only the statements that it runs: preparing a statement locks
/// its tables lightly, so a reading session must not prepare writing ones.
enum class Purpose {
  writing,
  writing_ahead,  ///< the same, without waiting at each commit
  registry,       ///< administers the instances
  reading,
};

std::vector<Statement> statements(Purpose purpose);

bool prepares(Purpose purpose, Statement statement);

/// Settings that the store relies on. `statement_timeout` in milliseconds.
std::string session_settings(long long statement_timeout);

/// session.sql, with its `:values` still in it.
extern const char* const session_sql;

}  // namespace postoffice::postgres
