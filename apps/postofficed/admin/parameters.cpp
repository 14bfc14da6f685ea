#include "admin/parameters.hpp"

#include <algorithm>
#include <utility>

#include "http/server/http_server.hpp"
#include "options/values.hpp"

namespace postofficed {

Result<Parameters> Parameters::read(const std::string& query,
                                    std::initializer_list<std::string_view> known) {
  std::string names;
  for (const auto name : known) names += (names.empty() ? "" : ", ") + std::string(name);
  Parameters parameters;
  for (auto& [name, value] : postoffice::query_values(query)) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Failure(ExitCode::usage, "there is no parameter \"" + name + "\"; there are " + names);
    }
    if (parameters.get(name)) {
      return Failure(ExitCode::usage,
                     name + " is given twice; each of " + names + " may be given once");
    }
    parameters.values_.emplace(name, std::move(value));
  }
  return parameters;
}

std::optional<std::string> Parameters::get(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Failure bad_parameter(std::string_view name, const std::string& value, const std::string& problem) {
  return {ExitCode::usage, std::string(name) + ": \"" + value + "\" " + problem};
}

Failure read_limit(const Parameters& parameters, std::size_t most, std::size_t& limit) {
  const auto value = parameters.get("limit");
  if (!value) return {};
  const auto number = parse_count(*value);
  if (!number || *number < 1 || *number > most)
    return bad_parameter("limit", *value, "is not a number from 1 to " + std::to_string(most));
  limit = *number;
  return {};
}

}  // namespace postofficed
