#include "sqlite/file.hpp"

#include <mutex>
#include <utility>

#include "postoffice/error.hpp"
#include "sqlite/schema.hpp"

namespace postoffice::sqlite {
namespace {

/// How long another program may hold the file locked.
constexpr std::chrono::milliseconds patience{5'000};

constexpr std::chrono::milliseconds between_attempts{200};

}  // namespace

File::File(std::string path, std::string name, const std::atomic<bool>& hurry, Log log,
           Handles& handles)
    : path_(std::move(path)),
      name_(std::move(name)),
      hurry_(hurry),
      log_(std::move(log)),
      handles_(handles),
      files_(path_) {
  handles_.all.push_back(this);
}

std::error_code File::use(const std::function<void(Database&, Tables&)>& work) {
  look();
  if (take_over_) take_over();
  const std::shared_lock lock(handles_.mutex);
  return use_open(work);
}

std::error_code File::use_open(const std::function<void(Database&, Tables&)>& work) {
  if (!database_ && std::chrono::steady_clock::now() < next_attempt_) return last_error_;
  try {
    if (!database_) open();
    work(*database_, *tables_);
    report_success();
    return {};
  } catch (const SqlError& error) {
    report(error);
    last_error_ = error.code();
    failure_ = {.code = error.name().empty() ? "SQLite" : error.name(), .reason = error.what()};
    take_over_ = error.code() == Error::permission;
    if (error.must_reopen() || !tables_) {
      close();
      next_attempt_ = std::chrono::steady_clock::now() + between_attempts;
    }
    return error.code();
  }
}

void File::look() {
  {
    const std::shared_lock lock(handles_.mutex);
    if (!database_ || files_.gone() == Files::Gone::nothing) return;
  }
  const std::unique_lock lock(handles_.mutex);
  if (database_ && files_.gone() != Files::Gone::nothing) replace_removed();
}

/// Removed files are invisible to other programs and vanish with this process. Content that is only
/// in the write-ahead log is moved to the database while the log is still open here.
void File::replace_removed() {
  const auto name = files_.first_gone();
  std::string outcome;
  if (files_.gone() == Files::Gone::database) {
    outcome = "a new file is made; its rows are lost until their ids are received again";
  } else if (rescue()) {
    outcome = "its content has been moved to the database";
  } else {
    outcome = "the newest rows are lost until their ids are received again";
  }
  for (File* file : handles_.all) file->close();
  if (log_) log_(LogLevel::error, name + " was removed or replaced under this process: " + outcome);
}

/// False if another program has written to a new log meanwhile: two logs cannot be merged.
bool File::rescue() {
  if (files_.others_wrote()) {
    for (File* file : handles_.all) {
      if (!file->database_) continue;
      sqlite3_db_config(file->database_->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    }
    return false;
  }
  try {
    Statement checkpoint(*database_, "PRAGMA wal_checkpoint(TRUNCATE)");
    return checkpoint.next() && checkpoint.integer(0) == 0;
  } catch (const SqlError&) {
    return false;
  }
}

void File::take_over() {
  const std::unique_lock lock(handles_.mutex);
  take_over_ = false;
  for (File* file : handles_.all) file->close();
  const auto done = take_over_leftovers(path_);
  if (!done.empty() && log_) log_(LogLevel::warning, name_ + " (" + path_ + "): " + done);
}

void File::open() {
  database_.emplace(path_, patience, &hurry_);
  prepare_file(*database_);
  tables_.emplace(*database_);
  files_.remember();
}

void File::close() {
  files_.forget();
  tables_.reset();
  database_.reset();
}

StoreStatus File::status() const {
  const std::lock_guard lock(status_mutex_);
  StoreStatus status;
  status.reached = reached_;
  status.up = reason_.empty();
  if (status.up) return status;
  status.reason = reason_;
  status.down_for = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - last_success_);
  return status;
}

void File::report(const SqlError& error) {
  std::string text = error.what();
  const auto whose = error.code() == Error::permission ? whose_are_in_the_way(path_) : "";
  if (!whose.empty()) text += ": " + whose;
  {
    const std::lock_guard lock(status_mutex_);
    reason_ = text;
  }
  if (last_reported_ == text) return;
  last_reported_ = text;
  if (log_) log_(LogLevel::warning, name_ + " (" + path_ + "): " + text);
}

void File::report_success() {
  {
    const std::lock_guard lock(status_mutex_);
    reached_ = true;
    reason_.clear();
    last_success_ = std::chrono::steady_clock::now();
  }
  if (last_reported_.empty()) return;
  last_reported_.clear();
  if (log_) log_(LogLevel::info, name_ + " (" + path_ + "): works again");
}

}  // namespace postoffice::sqlite
