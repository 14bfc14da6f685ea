// Which instance is meant by a name, and which one is alive.
#include "commands/instance_choice.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace postofficed;
using namespace std::chrono_literals;
using postoffice::PostgresInstanceList;
using postoffice::PostgresInstanceRow;
using postoffice::Timestamp;

namespace {

const Timestamp now{1'000s};

PostgresInstanceRow row(std::uint64_t publisher, int shard, const std::string& name,
                        postoffice::Duration beat_age, postoffice::Duration lag) {
  PostgresInstanceRow made;
  made.publisher = publisher;
  made.shard = shard;
  made.name = name;
  made.beat = now - beat_age;
  made.watermark = now - lag;
  return made;
}

// One daemon with a file queue, a publisher with two shards, and a worker that has both shards.
PostgresInstanceList cluster() {
  PostgresInstanceList list;
  list.now = now;
  list.rows = {row(0xabc, -1, "a:9090#1", 100ms, 50s), row(0x12, 0, "b:9090#2", 100ms, 1s),
               row(0x12, 1, "b:9090#2", 100ms, 1s), row(0, 0, "w#3", 100ms, 1s),
               row(0, 1, "w#3", 100ms, 1s)};
  return list;
}

}  // namespace

TEST_CASE("an instance is named by its id, or by a name that only it has") {
  const auto list = cluster();
  CHECK(*choose_instance(list, "0000000000000abc") == "0000000000000abc");
  CHECK(*choose_instance(list, "0000000000000ABC") == "0000000000000abc");
  CHECK(*choose_instance(list, "a:9090#1") == "0000000000000abc");
  CHECK(*choose_instance(list, "b:9090#2") == "0000000000000012");  // two rows, one instance
  CHECK(*choose_instance(list, "Shard-1") == "shard-1");
}

TEST_CASE("a name that several have is answered with their ids") {
  const auto several = choose_instance(cluster(), "w#3");
  REQUIRE_FALSE(several);
  CHECK(several.error().code == ExitCode::usage);
  CHECK(several.error().message ==
        "\"w#3\" is 2 instances; give the ID of one of them: shard-0, shard-1");
  const auto none = choose_instance(cluster(), "nobody");
  REQUIRE_FALSE(none);
  CHECK(none.error().message.find("there is no instance \"nobody\"") != std::string::npos);
}

TEST_CASE("a publisher or shard that writes comes back, a daemon that is fenced does not") {
  auto list = cluster();
  CHECK(why_alive(list, "0000000000000abc").empty());
  for (const char* id : {"0000000000000012", "shard-0"}) {
    CAPTURE(id);
    CHECK(why_alive(list, id).find("--force") != std::string::npos);
  }
  list.rows[1].watermark = list.rows[2].watermark = now - 1min;
  CHECK(why_alive(list, "0000000000000012").empty());
  list.rows[1].watermark = now;
  list.rows[1].beat = now - 16s;
  CHECK(why_alive(list, "0000000000000012").empty());
  list.rows[3].beat = now - 4s;
  CHECK(why_alive(list, "shard-0").empty());
  CHECK_FALSE(why_alive(list, "shard-1").empty());
}
