// What the checks found, for people as it comes, or for programs in one object.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "commands/self_test/checks.hpp"

namespace postofficed::self_test {

class Report {
 public:
  /// `json`: nothing is printed before the end.
  Report(std::string directory, bool json) : directory_(std::move(directory)), json_(json) {}

  void add(const char* name, Finding finding);

  /// All checks are done.
  void conclude() const;

  std::uint64_t count(Finding::Result result) const;

 private:
  struct Entry {
    const char* name;
    Finding finding;
  };

  void print_json() const;
  void print_verdict() const;

  const std::string directory_;
  const bool json_;
  std::vector<Entry> entries_;
};

}  // namespace postofficed::self_test
