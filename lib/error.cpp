#include "postoffice/error.hpp"

#include <string>

namespace postoffice {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "postoffice"; }

  std::string message(int value) const override {
    switch (static_cast<Error>(value)) {
      case Error::not_found: return "no such object";
      case Error::unavailable: return "cannot be reached";
      case Error::overloaded: return "it has too much to do";
      case Error::timed_out: return "no answer in time";
      case Error::bad_answer: return "the answer is not valid";
      case Error::refused: return "the request was refused";
      case Error::not_durable: return "could not be made durable";
      case Error::storage_full: return "no space left";
      case Error::storage_error: return "stable storage cannot be read or written";
      case Error::stopped: return "stopped";
      case Error::locked: return "in use by another process";
      case Error::corrupt: return "stored data is damaged";
      case Error::permission: return "permission denied";
      case Error::authentication: return "the credentials were refused";
      case Error::schema: return "it is of another version, which this one cannot use";
      case Error::bad_options: return "the options cannot work";
      case Error::rejected: return "some of the changes were refused";
      case Error::fenced: return "retired, or replaced by another";
    }
    return "unknown error";
  }
};

}  // namespace

const std::error_category& error_category() noexcept {
  static const Category category;
  return category;
}

std::error_code make_error_code(Error error) noexcept {
  return {static_cast<int>(error), error_category()};
}

}  // namespace postoffice
