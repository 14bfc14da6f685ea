// A file that is opened when needed, and reopened after a failure.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "postoffice/log.hpp"
#include "postoffice/store_status.hpp"
#include "sqlite/database.hpp"
#include "sqlite/files.hpp"
#include "sqlite/tables.hpp"

namespace postoffice::sqlite {

class File;

/// The handles that one process has on one database. SQLite keeps one state of the files for all of
/// them: if the files were removed, all handles must be closed before one is reopened.
struct Handles {
  std::shared_mutex mutex;  ///< shared: to use one; alone: to close all
  std::vector<File*> all;
};

/// Used by one thread, except status().
class File {
 public:
  /// All that share `handles` must be made before the first is used.
  File(std::string path, std::string name, const std::atomic<bool>& hurry, Log log,
       Handles& handles);

  /// Calls `work` with the open tables. Errors are returned, and logged when they change.
  std::error_code use(const std::function<void(Database&, Tables&)>& work);

  /// Why the newest use() has failed, if it has. Only on the thread that uses the file.
  const StoreFailure& failure() const { return failure_; }

  /// Checks whether the files are still there; to be called now and then when idle.
  void look();
  /// Any thread; does not wait. It is down from a failure until an operation succeeds.
  StoreStatus status() const;

 private:
  std::error_code use_open(const std::function<void(Database&, Tables&)>& work);
  void replace_removed();
  bool rescue();
  void take_over();
  void open();
  void close();
  void report(const SqlError& error);
  void report_success();

  const std::string path_;
  const std::string name_;
  const std::atomic<bool>& hurry_;
  const Log log_;
  Handles& handles_;
  Files files_;
  bool take_over_ = false;  ///< another user's files may be in the way
  std::optional<Database> database_;
  std::optional<Tables> tables_;
  std::error_code last_error_;
  StoreFailure failure_;  // … in words
  std::string last_reported_;
  mutable std::mutex status_mutex_;  // guards the rest
  bool reached_ = false;
  std::string reason_;
  std::chrono::steady_clock::time_point last_success_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_attempt_;
};

}  // namespace postoffice::sqlite
