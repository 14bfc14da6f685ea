#include "postgres/statements.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace postoffice::postgres {
namespace {

constexpr Statement writing[] = {
    Statement::lock_shared,
    Statement::lock_alone,
    Statement::hold,
    Statement::touch,
    Statement::missing,
    Statement::update,
    Statement::create,
    Statement::remove,
    Statement::clear_dead_letters,
    Statement::add_dead_letters,
    Statement::apply_each,
    Statement::commit_soon,
    Statement::discard_plans,
    Statement::lock_briefly,
    Statement::remember_cutoff,
    Statement::forget_removals,
    Statement::forget_held,
    Statement::forget_stopped,
    Statement::table_pages,
    Statement::expire_ids,
    Statement::expire_pages,
    Statement::expire_pages_and_tell,
    Statement::expire_ids_each,
    Statement::expire_pages_each,
    Statement::fence,
    Statement::register_instance,
    Statement::find_successor,
    Statement::publish,
    Statement::survey,
    Statement::stop_instance,
    Statement::remove_publisher,
};

// In addition, if commits are not awaited.
constexpr Statement ahead[] = {
    Statement::log_position,
    Statement::flush_log,
};

constexpr Statement registry[] = {
    Statement::lock_registry, Statement::register_publisher, Statement::end_sessions,
    Statement::retire,        Statement::list_instances,     Statement::beat_worker,
    Statement::live_workers,
};

constexpr Statement reading[] = {
    Statement::find_one,          Statement::find_page,
    Statement::find_dead_letters, Statement::find_dead_letters_among,
    Statement::count_objects,     Statement::count_dead_letters,
};

// As psql does with its variables; the text must contain the name.
void set_value(std::string& script, std::string_view name, long long value) {
  for (std::size_t at = script.find(name); at != std::string::npos; at = script.find(name)) {
    script.replace(at, name.size(), std::to_string(value));
  }
}

}  // namespace

std::vector<Statement> statements(Purpose purpose) {
  std::vector<Statement> all;
  const auto add = [&all](std::span<const Statement> some) {
    for (const Statement one : some) all.push_back(one);
  };
  switch (purpose) {
    case Purpose::writing_ahead: add(ahead); [[fallthrough]];
    case Purpose::writing: add(writing); break;
    case Purpose::registry: add(registry); break;
    case Purpose::reading: add(reading); break;
  }
  return all;
}

bool prepares(Purpose purpose, Statement statement) {
  const std::vector<Statement> prepared = statements(purpose);
  return std::find(prepared.begin(), prepared.end(), statement) != prepared.end();
}

std::string session_settings(long long statement_timeout) {
  std::string script = session_sql;
  set_value(script, ":statement_timeout", statement_timeout);
  set_value(script, ":lock_timeout", statement_timeout / 2);
  return script;
}

}  // namespace postoffice::postgres
