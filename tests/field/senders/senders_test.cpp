// Senders as they are: clients of Python, Perl and Node.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "integration/postofficed.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;

namespace {

struct Office {
  Office() : daemon(directory / "data") { REQUIRE(daemon.ready()); }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(daemon.port()) + "/callback";
  }

  TemporaryDirectory directory;
  Daemon daemon;
};

/// What a sender writes; empty if it cannot be run here.
std::string sent_by(const Arguments& program, const std::string& needs, const Arguments& more) {
  if (std::system((needs + " >/dev/null 2>&1").c_str()) != 0) {
    skip("this fails: " + needs);
    return {};
  }
  Arguments command = program;
  command.insert(command.end(), more.begin(), more.end());
  Process sender(command);
  CHECK(sender.exit_code() == 0);
  INFO(sender.err());
  CHECK_FALSE(sender.out().empty());
  return sender.out();
}

std::string script(const char* name) { return FIELD_DIRECTORY + std::string("/") + name; }

// The kernel's delayed acknowledgement alone would be 40.
void check_median(const std::string& written) {
  if (written.empty()) return;
  MESSAGE("median " << written << " ms");
  CHECK(std::atof(written.c_str()) < 20);
}

}  // namespace

TEST_CASE("head and body sent separately are answered at once: httpx of Python") {
  Office office;
  check_median(sent_by({"/usr/bin/python3", script("httpx_sender.py")},
                       "/usr/bin/python3 -c 'import httpx'", {office.url(), "41"}));
}

TEST_CASE("head and body sent separately are answered at once: HTTP::Tiny of Perl") {
  Office office;
  check_median(sent_by({"/usr/bin/perl", script("http_tiny_sender.pl")},
                       "/usr/bin/perl -MHTTP::Tiny -e 1", {office.url(), "41"}));
}

TEST_CASE("fetch of Node keeps its connection over a beat of five seconds") {
  Office office;
  const std::string node = "/usr/bin/node";
  if (access(node.c_str(), X_OK) != 0 ||
      std::system((node + " -e 'fetch' >/dev/null 2>&1").c_str()) != 0) {
    return skip("no Node with fetch");
  }
  Process sender({node, script("fetch_sender.mjs"), office.url(), "2"});
  // One connection carries both callbacks: between them it is there.
  REQUIRE(eventually([&] { return office.daemon.status("accepted") == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(4'800));  // nearly the beat
  const auto connections = [&] { return office.daemon.status("connections"); };
  CHECK(connections() == 1);
  CHECK(sender.exit_code() == 0);
  CHECK(sender.out() == "2\n");
}
