// A process of our own that works on a queue and reports what it was promised.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>

#include "postoffice/types.hpp"

namespace postofficed::self_test {

/// One line of a child's report. Small enough for a pipe to keep whole.
struct Report {
  enum class Kind : std::uint64_t { accepted, refused, stuck };
  Kind kind = Kind::accepted;
  postoffice::Sequence sequence = 0;
  postoffice::ObjectId id = 0;
};

/// Forks when built, so no other thread may run then. Killed when destroyed, or when this process
/// goes first.
class Child {
 public:
  using Tell = std::function<void(const Report&)>;

  /// `work` runs in the new process, which ends after it.
  explicit Child(const std::function<void(const Tell&)>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The next report; nothing when the child has ended, or says nothing for so long.
  std::optional<Report> next(std::chrono::milliseconds patience);

  void kill();

 private:
  pid_t process_ = -1;
  int pipe_ = -1;
};

}  // namespace postofficed::self_test
