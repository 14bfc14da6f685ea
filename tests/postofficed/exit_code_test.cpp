#include "exit_code.hpp"

#include <doctest/doctest.h>

#include "daemon/listening.hpp"
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

TEST_CASE("an address is wrong only if waiting cannot help") {
  const auto code = [](std::errc error) {
    return exit_status(cannot_listen("--listen", ":9090", std::make_error_code(error)).code);
  };
  for (const auto heals : {std::errc::address_in_use, std::errc::address_not_available,
                           std::errc::too_many_files_open, std::errc::no_buffer_space}) {
    CHECK(code(heals) == 69);
  }
  for (const auto stays : {std::errc::permission_denied, std::errc::address_family_not_supported}) {
    CHECK(code(stays) == 78);
  }
}
