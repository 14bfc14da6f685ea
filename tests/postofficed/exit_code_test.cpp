#include "exit_code.hpp"

#include <doctest/doctest.h>

#include "postoffice/error.hpp"

using namespace postofficed;

TEST_CASE("an exit code of ours is the process's; without an error it is 0") {
  CHECK(exit_status(Failure().code) == 0);
  CHECK(exit_status(Failure(ExitCode::usage, "what?").code) == 64);
  CHECK(exit_status(Failure(ExitCode::unavailable).code) == 69);
  CHECK(exit_status(Failure(ExitCode::journal).code) == 74);
  CHECK(exit_status(misconfigured("ttl").code) == 78);
}

TEST_CASE("what the library says is unavailable, but for options that can never work") {
  CHECK(exit_status(postoffice::Error::bad_options) == 78);
  CHECK(exit_status(postoffice::Error::authentication) == 69);
  CHECK(exit_status(std::make_error_code(std::errc::connection_refused)) == 69);
}
