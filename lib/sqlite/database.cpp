#include "sqlite/database.hpp"

#include <cerrno>
#include <thread>

#include "postoffice/error.hpp"

namespace postoffice::sqlite {
namespace {

std::error_code code_of(int result, int system_error) {
  switch (result & 0xFF) {
    case SQLITE_FULL: return Error::storage_full;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return Error::permission;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Error::corrupt;
    case SQLITE_IOERR: return Error::storage_error;
    case SQLITE_CANTOPEN:
      return system_error == EACCES || system_error == EPERM || system_error == EROFS
                 ? Error::permission
                 : Error::unavailable;
    default: return Error::unavailable;
  }
}

bool spoils_the_handle(int result) {
  switch (result & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_CONSTRAINT:
    case SQLITE_INTERRUPT: return false;
    default: return true;
  }
}

// Empty unless a change is not allowed.
std::string constraint_name(int result) {
  if ((result & 0xFF) != SQLITE_CONSTRAINT) return {};
  switch (result) {
    case SQLITE_CONSTRAINT_CHECK: return "SQLITE_CONSTRAINT_CHECK";
    case SQLITE_CONSTRAINT_FOREIGNKEY: return "SQLITE_CONSTRAINT_FOREIGNKEY";
    case SQLITE_CONSTRAINT_NOTNULL: return "SQLITE_CONSTRAINT_NOTNULL";
    case SQLITE_CONSTRAINT_TRIGGER: return "SQLITE_CONSTRAINT_TRIGGER";
    case SQLITE_CONSTRAINT_UNIQUE: return "SQLITE_CONSTRAINT_UNIQUE";
    default: return "SQLITE_CONSTRAINT";
  }
}

}  // namespace

Database::Database(const std::string& path, std::chrono::milliseconds patience,
                   const std::atomic<bool>* hurry)
    : patience_(patience), hurry_(hurry) {
  sqlite3* handle = nullptr;
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int result = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) fail(result);
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, &Database::on_busy, this);
}

int Database::on_busy(void* self, int tries) {
  auto& database = *static_cast<Database*>(self);
  const auto now = std::chrono::steady_clock::now();
  if (tries == 0) database.busy_since_ = now;
  const bool hurried = database.hurry_ && database.hurry_->load();
  if (hurried || now - database.busy_since_ > database.patience_) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(tries < 10 ? 1 : 10));
  return 1;
}

void Database::run(const char* sql) {
  const int result = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result);
}

void Database::fail(int code) {
  std::string message = "SQLite: out of memory";
  int system_error = 0;
  if (handle()) {
    message = sqlite3_errmsg(handle());
    system_error = sqlite3_system_errno(handle());
  }
  throw SqlError(code_of(code, system_error), message, spoils_the_handle(code),
                 constraint_name(code));
}

Statement::Statement(Database& database, const char* sql) : database_(database) {
  sqlite3_stmt* handle = nullptr;
  const int result =
      sqlite3_prepare_v3(database.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) database.fail(result);
}

Statement& Statement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), index, value);
  return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
  // A null pointer would be NULL, even for an empty text.
  sqlite3_bind_text64(handle_.get(), index, value.data() ? value.data() : "", value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

void Statement::run() {
  while (next()) {
  }
}

bool Statement::next() {
  const int result = sqlite3_step(handle_.get());
  if (result == SQLITE_ROW) return true;
  const int reset = sqlite3_reset(handle_.get());
  if (result != SQLITE_DONE) database_.fail(result);
  if (reset != SQLITE_OK) database_.fail(reset);
  return false;
}

std::string Statement::text(int column) {
  const auto* bytes = sqlite3_column_text(handle_.get(), column);
  const int length = sqlite3_column_bytes(handle_.get(), column);
  return bytes ? std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length))
               : std::string();
}

}  // namespace postoffice::sqlite
