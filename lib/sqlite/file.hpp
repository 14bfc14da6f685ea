// A file that is opened when it is needed, and opened again when it failed.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "postoffice/log.hpp"
#include "sqlite/database.hpp"
#include "sqlite/tables.hpp"

namespace postoffice::sqlite {

/// Used by one thread.
class File {
 public:
  File(std::string path, std::string name, const std::atomic<bool>& hurry, Log log);

  /// Calls `work` with the open tables. Errors are returned, and logged when they change.
  std::error_code use(const std::function<void(Database&, Tables&)>& work);

 private:
  void open();
  void close();
  void report(const SqlError& error);
  void report_success();

  const std::string path_;
  const std::string name_;
  const std::atomic<bool>& hurry_;
  const Log log_;
  std::optional<Database> database_;
  std::optional<Tables> tables_;
  std::error_code last_error_;
  std::string last_reported_;
  std::chrono::steady_clock::time_point next_attempt_;
};

}  // namespace postoffice::sqlite
