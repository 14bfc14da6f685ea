// Seam: who knows the details of an object.
//
// The rules for completions, here and at every other seam:
//   1. `Done` is the last parameter and is called exactly once. A call after the time given is
//      allowed, and ignored.
//      2. `Done` may be called before the method returns, and from any thread. The pipeline puts
//      the completion in its mailbox and handles it later, so an implementation need not care about
//      re-entrancy.
//      3. A method throws nothing. Failure is a std::error_code.
//   4. The pipeline calls one part from one thread at a time.
//      5. A part ends in its destructor, or in stop() if it has one: it refuses new calls with
//      Error::stopped and waits for earlier ones. When the destructor returns, every `Done` has
//      been called and has returned. Until then a `Done` may call the part.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <system_error>

#include "postoffice/types.hpp"

namespace postoffice {

/// What one fetch gave. Without error, `id` must be the id that was asked for: any other is treated
/// as Error::bad_answer. Error::not_found is an answer too; every other error is tried again.
struct FetchResult {
  std::error_code error;
  ObjectId id = 0;
  bool online = false;
  std::chrono::milliseconds retry_after{0};  ///< the source asked for at least this pause; 0 = none
  std::string reason;                        ///< for people, with an error; may be empty
};

class ObjectSource {
 public:
  using Done = std::function<void(FetchResult)>;

  virtual ~ObjectSource() = default;

  /// Asks for one object. The request must begin after this call. Called with at most
  /// PipelineOptions::fetch_concurrency fetches unanswered.
  virtual void fetch(ObjectId id, std::chrono::milliseconds timeout, Done done) = 0;
};

}  // namespace postoffice
