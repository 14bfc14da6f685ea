#include "exit_code.hpp"

#include "postoffice/error.hpp"

namespace postofficed {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "postofficed"; }

  std::string message(int value) const override {
    switch (static_cast<ExitCode>(value)) {
      case ExitCode::usage: return "wrong usage";
      case ExitCode::unavailable: return "a needed service is unavailable";
      case ExitCode::journal: return "the journal cannot be read or written";
      case ExitCode::configuration: return "the configuration is wrong";
    }
    return "unknown error";
  }
};

const Category category;

}  // namespace

std::error_code make_error_code(ExitCode code) noexcept {
  return {static_cast<int>(code), category};
}

int exit_status(const std::error_code& error) {
  if (!error || error.category() == category) return error.value();
  return static_cast<int>(error == postoffice::Error::bad_options ? ExitCode::configuration
                                                                  : ExitCode::unavailable);
}

}  // namespace postofficed
