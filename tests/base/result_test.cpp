#include "postoffice/result.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <variant>

#include "postoffice/error.hpp"

namespace postoffice {
namespace {

struct Base {
  virtual ~Base() = default;
};
struct Derived final : Base {};

Result<std::unique_ptr<Base>> make(const Failure& failure) {
  if (failure) return failure;
  return std::make_unique<Derived>();
}

Failure pass_on(const Failure& inner) {
  if (auto made = make(inner); !made) return std::move(made).error();
  return {};
}

TEST_CASE("a failure holds a code and words; without a code nothing failed") {
  CHECK_FALSE(Failure{});
  const Failure failure(Error::locked, "process 17 has it");
  REQUIRE(failure);
  CHECK(failure.code == Error::locked);
  CHECK(failure.text() == "process 17 has it");
}

TEST_CASE("a failure without words of its own has those of its code") {
  CHECK(Failure(Error::stopped).text() == "stopped");
  const Failure system(std::make_error_code(std::errc::permission_denied));
  CHECK(system.text() == system.code.message());
}

TEST_CASE("a result holds a value, also one that can only be moved") {
  auto made = make({});
  REQUIRE(made);
  CHECK(made.has_value());
  const std::unique_ptr<Base> taken = *std::move(made);
  CHECK(taken != nullptr);
  CHECK(Result<std::string>("text")->size() == 4);
  CHECK(*Result<bool>(false) == false);
}

TEST_CASE("what fails passes code and words on") {
  const auto failure = pass_on({Error::corrupt, "byte 12"});
  CHECK(failure.code == Error::corrupt);
  CHECK(failure.message == "byte 12");
  CHECK_FALSE(pass_on({}));
}

TEST_CASE("a bare code becomes a result") {
  const auto fail = []() -> Result<int> { return Error::schema; };
  REQUIRE_FALSE(fail());
  CHECK(fail().error().code == Error::schema);
  CHECK(fail().error().message.empty());
}

#ifdef NDEBUG  // elsewhere an assertion ends the process
TEST_CASE("what is not there is not given out") {
  const Result<int> failed = Failure(Error::stopped);
  CHECK_THROWS_AS((void)*failed, std::bad_variant_access);
  const Result<int> good = 1;
  CHECK_THROWS_AS((void)good.error(), std::bad_variant_access);
}
#endif

}  // namespace
}  // namespace postoffice
