// The query of a page: names that it does not have are refused, instead of showing something else
// than was asked for.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "exit_code.hpp"

namespace postofficed {

class Parameters {
 public:
  /// Fails if `query` has a name that is not in `known`, or one of them twice.
  static Result<Parameters> read(const std::string& query,
                                 std::initializer_list<std::string_view> known);

  std::optional<std::string> get(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

/// Words about a parameter that makes no sense.
Failure bad_parameter(std::string_view name, const std::string& value, const std::string& problem);

/// Puts the number of rows asked for into `limit`, if any is.
Failure read_limit(const Parameters& parameters, std::size_t most, std::size_t& limit);

}  // namespace postofficed
