#include "sqlite/file.hpp"

#include <utility>

#include "postoffice/error.hpp"
#include "sqlite/schema.hpp"

namespace postoffice::sqlite {
namespace {

/// How long another program may hold the file locked.
constexpr std::chrono::milliseconds patience{5'000};

constexpr std::chrono::milliseconds between_attempts{200};

}  // namespace

File::File(std::string path, std::string name, const std::atomic<bool>& hurry, Log log)
    : path_(std::move(path)), name_(std::move(name)), hurry_(hurry), log_(std::move(log)) {}

std::error_code File::use(const std::function<void(Database&, Tables&)>& work) {
  if (!database_ && std::chrono::steady_clock::now() < next_attempt_) return last_error_;
  try {
    if (database_ && database_->was_moved()) close();
    if (!database_) open();
    work(*database_, *tables_);
    report_success();
    return {};
  } catch (const SqlError& error) {
    report(error);
    last_error_ = error.code();
    if (error.must_reopen() || !tables_) {
      close();
      next_attempt_ = std::chrono::steady_clock::now() + between_attempts;
    }
    return error.code();
  }
}

void File::open() {
  database_.emplace(path_, patience, &hurry_);
  prepare_file(*database_);
  tables_.emplace(*database_);
}

void File::close() {
  tables_.reset();
  database_.reset();
}

void File::report(const SqlError& error) {
  if (last_reported_ == error.what()) return;
  last_reported_ = error.what();
  if (log_) log_(LogLevel::warning, name_ + " (" + path_ + "): " + error.what());
}

void File::report_success() {
  if (last_reported_.empty()) return;
  last_reported_.clear();
  if (log_) log_(LogLevel::info, name_ + " (" + path_ + "): works again");
}

}  // namespace postoffice::sqlite
