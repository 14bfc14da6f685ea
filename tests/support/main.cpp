// The main function of all doctest programs, which keeps count of the cases that were skipped.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "support/skip.hpp"

namespace {

constexpr int all_skipped = 77;

struct Counts {
  std::string name;  // of the running case
  bool skipped = false;
  bool failed = false;  // any case so far
  int ended = 0;
  int ended_skipped = 0;

  bool none_tried() const { return ended == ended_skipped; }
};

Counts& counts() {
  static Counts all;
  return all;
}

void say_skipped(const std::string& reason) {
  std::printf("skipped: %s: %s\n", counts().name.c_str(), reason.c_str());
  std::fflush(stdout);
}

class CaseCounter : public doctest::IReporter {
 public:
  explicit CaseCounter(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    counts().name = data.m_name;
    counts().skipped = false;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    ++counts().ended;
    if (stats.failure_flags != 0) counts().failed = true;
    if (counts().skipped) ++counts().ended_skipped;
  }
  void log_assert(const doctest::AssertData& data) override {
    if (data.m_failed) counts().failed = true;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

DOCTEST_REGISTER_LISTENER("cases", 1, CaseCounter);

}  // namespace

namespace postoffice::testing {

void skip(const std::string& reason) {
  counts().skipped = true;
  say_skipped(reason);
}

void skip_part(const std::string& reason) { say_skipped(reason); }

void skip_rest(const std::string& reason) {
  say_skipped(reason + " (nor are the cases after it tried)");
  std::_Exit(counts().failed ? EXIT_FAILURE : counts().none_tried() ? all_skipped : EXIT_SUCCESS);
}

}  // namespace postoffice::testing

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int result = context.run();
  if (context.shouldExit() || result != 0) return result;
  return counts().ended > 0 && counts().none_tried() ? all_skipped : result;
}
