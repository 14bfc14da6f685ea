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
  std::string problem;
  REQUIRE_MESSAGE(!id.open(directory, problem), problem);
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
  std::string problem;
  REQUIRE_FALSE(first.open(directory.path(), problem));
  CHECK(second.open(directory.path(), problem) == postoffice::Error::locked);
  CHECK(problem.find("another process") != std::string::npos);
}

TEST_CASE("a number whose writing was cut off was never used, one that is damaged was") {
  const postoffice::testing::TemporaryDirectory directory;
  const auto path = std::string(directory.path()) + "/publisher";
  std::ofstream(path) << "0123";
  CHECK(id_in(directory.path()) != 0);
  std::ofstream(path) << "0123456789abcdeX\n";
  PublisherId id;
  std::string problem;
  CHECK(id.open(directory.path(), problem) == postoffice::Error::corrupt);
  CHECK(problem.find("publisher: is no number") != std::string::npos);
}

TEST_CASE("a directory that cannot be written is said so") {
  PublisherId id;
  std::string problem;
  CHECK(id.open("/no/such/place", problem) == std::errc::no_such_file_or_directory);
  CHECK(problem.find("/no/such/place") != std::string::npos);
}
