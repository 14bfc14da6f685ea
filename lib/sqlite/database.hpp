// SQLite's handles, with errors as exceptions. They never leave this folder.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace postoffice::sqlite {

class SqlError : public std::runtime_error {
 public:
  SqlError(std::error_code code, const std::string& message, bool reopen, std::string name = {})
      : std::runtime_error(message), code_(code), reopen_(reopen), name_(std::move(name)) {}

  std::error_code code() const { return code_; }

  /// The open file cannot be used any more.
  bool must_reopen() const { return reopen_; }

  /// A constraint or a trigger does not allow the change: others may be possible.
  bool about_row() const { return !name_.empty(); }

  /// The constraint's name, as in SQLite's result codes.
  const std::string& name() const { return name_; }

 private:
  std::error_code code_;
  bool reopen_;
  std::string name_;
};

class Database {
 public:
  /// Waits for other programs' locks for `patience` at most, and stops waiting once `hurry` is set.
  Database(const std::string& path, std::chrono::milliseconds patience,
           const std::atomic<bool>* hurry);

  void run(const char* sql);

  bool in_transaction() { return sqlite3_get_autocommit(handle_.get()) == 0; }

  /// Rows that the last statement changed.
  bool changed_any() { return sqlite3_changes(handle_.get()) > 0; }

  sqlite3* handle() { return handle_.get(); }

  [[noreturn]] void fail(int code);

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  static int on_busy(void* self, int tries);

  const std::chrono::milliseconds patience_;
  const std::atomic<bool>* const hurry_;
  std::chrono::steady_clock::time_point busy_since_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::string_view value);  ///< must live until the statement has run

  /// Runs to the end, for a statement that gives no rows.
  void run();

  /// True if there is a row; after the last one the statement is ready to be bound again.
  bool next();

  /// Ends early.
  void reset() { sqlite3_reset(handle_.get()); }

  std::int64_t integer(int column) { return sqlite3_column_int64(handle_.get(), column); }
  std::string text(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };

  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Rolled back unless committed. Takes the lock for writing at once.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {
    database_.run("BEGIN IMMEDIATE");
  }
  ~Transaction() {
    if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit() {
    database_.run("COMMIT");
    open_ = false;
  }

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace postoffice::sqlite
