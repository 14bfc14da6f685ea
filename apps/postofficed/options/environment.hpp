// The variables of the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace postofficed {

/// Returns the value of a variable, or nothing. `names`: the variables that there are, to find
/// those with a wrong name.
class Environment {
 public:
  using LookUp = std::function<std::optional<std::string>(const std::string& name)>;

  template <typename Function>
  requires std::is_constructible_v<LookUp, Function> Environment(
      Function look_up, std::vector<std::string> names = {})  // NOLINT: as it is said
      : look_up_(std::move(look_up)), names_(std::move(names)) {}

  std::optional<std::string> operator()(const std::string& name) const { return look_up_(name); }
  const std::vector<std::string>& names() const { return names_; }

 private:
  LookUp look_up_;
  std::vector<std::string> names_;
};

Environment process_environment();

/// "fetch-concurrency" → "POSTOFFICE_FETCH_CONCURRENCY".
std::string environment_name(const std::string& key);

/// Whether a variable POSTOFFICE_… that names no option is somebody else's: the tests' and
/// benchmarks' of this project, or one that Kubernetes sets for a Service called postoffice…
/// (POSTOFFICE_SERVICE_HOST, POSTOFFICE_PORT_9090_TCP, …).
bool is_foreign(const std::string& name, const std::string& value);

}  // namespace postofficed
