#include "postgres/failure.hpp"

#include <utility>

#include "postgres/schema.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

bool starts_with_any(std::string_view state, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes) {
    if (state.starts_with(prefix)) return true;
  }
  return false;
}

// With verbose errors, libpq writes "FATAL:  28P01: text". Takes the state out of it.
std::string take_state(std::string& line) {
  constexpr std::size_t length = 5;
  if (line.size() < length + 2 || line.compare(length, 2, ": ") != 0) return {};
  for (std::size_t index = 0; index < length; ++index) {
    const char symbol = line[index];
    if ((symbol < '0' || symbol > '9') && (symbol < 'A' || symbol > 'Z')) return {};
  }
  std::string state = line.substr(0, length);
  line.erase(0, length + 2);
  return state;
}

// States after which a new session may succeed: the server shut down or is read-only, or prepared
// statements are gone or no longer fit the tables.
bool needs_new_session(std::string_view state) {
  return starts_with_any(state, {"08", "57P", "25006", "26000", "42P01", "42703", "XX"});
}

// A user's rule may also give "not supported".
bool plan_is_outdated(const PGresult* result) {
  const char* where = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
  return where && std::string_view(where) == "RevalidateCachedQuery";
}

}  // namespace

// A constraint, a trigger, a policy, a rule or a partition may give any state. So every state
// counts, except those known to concern the server or the session.
StoreFailure words_of(const Failure& failure) {
  return {.code = failure.state, .reason = failure.message};
}

bool may_be_about_rows(const Failure& failure) {
  if (!failure || failure.reconnect || failure.state.empty() || is_timeout(failure)) return false;
  return failure.state == "53100" ||
         !starts_with_any(failure.state,
                          {"08", "25", "26", "28", "3D", "3F", "53", "57", "58", "F0", "XX",
                           newer_schema_state, older_schema_state, fenced_state});
}

bool is_timeout(const Failure& failure) { return failure.state == "57014"; }

std::error_code error_of_state(std::string_view state) {
  if (starts_with_any(state, {"28"})) return Error::authentication;
  if (starts_with_any(state, {"42501"})) return Error::permission;
  if (starts_with_any(state, {"42", "3F", "0A000", newer_schema_state, older_schema_state})) {
    return Error::schema;
  }
  if (starts_with_any(state, {fenced_state})) return Error::fenced;
  if (starts_with_any(state, {"53100"})) return Error::storage_full;
  if (starts_with_any(state, {"57014"})) return Error::timed_out;
  if (starts_with_any(state, {"58", "XX"})) return Error::storage_error;
  return Error::unavailable;
}

std::string first_line(std::string_view text) {
  std::string line(text.substr(0, text.find('\n')));
  // The severity may be translated; it ends at the first colon with two spaces.
  const auto severity = line.find(":  ");
  if (severity != std::string::npos) line.erase(0, severity + 3);
  return line;
}

Failure lost(std::error_code code, std::string message, std::string state) {
  Failure failure(code, std::move(message));
  failure.state = std::move(state);
  failure.reconnect = true;
  return failure;
}

Failure unavailable(std::string message) { return lost(Error::unavailable, std::move(message)); }

bool ended_session(const Failure& failure) {
  if (failure.code != Error::unavailable) return false;
  return failure.state.empty() || starts_with_any(failure.state, {"57P", "08"});
}

Failure failure_of(const PGresult* result) {
  Failure failure;
  if (const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE)) failure.state = state;
  if (const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)) {
    failure.message = first_line(text);
  } else {
    failure.message = first_line(PQresultErrorMessage(result));
  }
  failure.code = error_of_state(failure.state);
  failure.reconnect =
      needs_new_session(failure.state) || (failure.state == "0A000" && plan_is_outdated(result));
  return failure;
}

Failure failure_of(PGconn* connection) {
  Failure failure;
  failure.message = first_line(PQerrorMessage(connection));
  failure.state = take_state(failure.message);
  failure.code = error_of_state(failure.state);
  failure.reconnect = true;
  if (PQconnectionNeedsPassword(connection)) failure.code = Error::authentication;
  if (failure.message.empty()) failure.message = "the connection was lost";
  return failure;
}

}  // namespace postoffice::postgres
