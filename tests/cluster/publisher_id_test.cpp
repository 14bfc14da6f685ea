#include "postoffice/defaults/publisher_id.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "postoffice/error.hpp"
#include "support/temporary_directory.hpp"

using postoffice::PublisherId;

namespace {

std::uint64_t id_in(const std::string& directory) {
  PublisherId id;
  const auto failure = id.open(directory);
  REQUIRE_FALSE_MESSAGE(failure, failure.message);
  return id.value();
}

}  // namespace

TEST_CASE("a publisher keeps its number over restarts, and no two have the same") {
  const postoffice::testing::TemporaryDirectory one;
  const postoffice::testing::TemporaryDirectory two;
  const auto id = id_in(one.path());
  CHECK(id != 0);
  CHECK(id_in(one.path()) == id);
  CHECK(id_in(two.path()) != id);
}

TEST_CASE("two processes cannot publish with one number") {
  const postoffice::testing::TemporaryDirectory directory;
  PublisherId first;
  PublisherId second;
  REQUIRE_FALSE(first.open(directory.path()));
  const auto failure = second.open(directory.path());
  CHECK(failure.code == postoffice::Error::locked);
  CHECK(failure.message.find("another process") != std::string::npos);
}

TEST_CASE("a number not written in full is replaced, a damaged one is an error") {
  const postoffice::testing::TemporaryDirectory directory;
  const auto path = std::string(directory.path()) + "/publisher";
  std::ofstream(path) << "0123";
  CHECK(id_in(directory.path()) != 0);
  std::ofstream(path) << "0123456789abcdeX\n";
  PublisherId id;
  const auto failure = id.open(directory.path());
  CHECK(failure.code == postoffice::Error::corrupt);
  CHECK(failure.message.find("publisher: does not contain a publisher") != std::string::npos);
}

TEST_CASE("a directory that cannot be written is an error with a message") {
  PublisherId id;
  const auto failure = id.open("/no/such/place");
  CHECK(failure.code == std::errc::no_such_file_or_directory);
  CHECK(failure.message.find("/no/such/place") != std::string::npos);
}
