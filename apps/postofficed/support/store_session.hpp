// A store for one-shot commands: calls that wait for their result.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "options/location.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/object_reader.hpp"
#include "support/last_warning.hpp"

namespace postofficed {

/// Works while a daemon uses the same store. Calls to a store that does not answer are repeated for
/// a few seconds; then they fail with ExitCode::unavailable.
class StoreSession {
 public:
  explicit StoreSession(const StoreLocation& location);
  ~StoreSession();

  /// Whether the store can be used.
  Failure open();

  Result<std::vector<postoffice::DeadLetter>> find_dead_letters(
      const postoffice::DeadLetterQuery& query);
  Failure apply(const postoffice::Changes& changes);

 private:
  template <typename Value, typename Call>
  Result<Value> wait_for(const Call& call);
  Failure unavailable(const std::string& reason) const;

  StoreLocation location_;
  const LastWarning warning_;
  postoffice::EventLoop loop_;
  std::unique_ptr<postoffice::ReadableObjectStore> store_;
};

}  // namespace postofficed
