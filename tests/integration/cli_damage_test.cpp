// A damaged queue, as its owner meets it: what the daemon, strict or not, and `journal verify` say.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "postofficed.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;

namespace {

constexpr char segment[] = "queue/0000000000000001.journal";

/// Where the record with that sequence begins in its file, as `journal dump` tells it.
std::uint64_t offset_of(const std::string& directory, int sequence) {
  const auto dump = run_postofficed({"journal", "dump", "--data-dir", directory}).out;
  const auto record = dump.find("\"sequence\":" + std::to_string(sequence) + ",");
  REQUIRE(record != std::string::npos);
  const auto offset = dump.find("\"offset\":", record);
  return std::strtoull(dump.c_str() + offset + 9, nullptr, 10);
}

void flip_byte(const std::string& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(file.get() ^ 0x20);
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
  REQUIRE(file.flush());
}

/// Three callbacks; the source does not answer, so that they stay in the queue.
void fill(const std::string& directory) {
  Daemon daemon(directory);
  REQUIRE(daemon.ready());
  for (const char* ids : {"11,12", "21,22", "31,32"}) REQUIRE(daemon.post(ids).status == 202);
  daemon.process().signal(SIGTERM);
  REQUIRE(daemon.process().exit_code() == 0);
}

Outcome verify(const std::string& directory) {
  return run_postofficed({"journal", "verify", "--data-dir", directory});
}

}  // namespace

TEST_CASE("one damaged callback: verify names it, strict refuses, otherwise the rest goes on") {
  const TemporaryDirectory directory;
  fill(directory.path());
  REQUIRE(verify(directory.path()).code == 0);
  const auto offset = offset_of(directory.path(), 2);
  flip_byte(directory / segment, offset + 24);

  const auto verified = verify(directory.path());
  CHECK(verified.code == 74);
  CHECK(has(verified.out, "0000000000000001.journal: bytes " + std::to_string(offset) + " to "));
  CHECK(has(verified.out, "are damaged, callbacks 2 to 2 were lost\n"));
  CHECK(has(verified.err, "is damaged: 1 callback lost"));

  const Process::Setup by_environment = [] { setenv("POSTOFFICE_JOURNAL_STRICT", "true", 1); };
  for (const bool flag : {true, false}) {
    Daemon strict(directory.path(), flag ? Arguments{"--journal-strict"} : Arguments{},
                  flag ? Process::Setup() : by_environment);
    CHECK(strict.process().exit_code() == 74);
    CHECK(strict.said("lost callbacks [2..2]"));
    CHECK(strict.said("stored data is damaged"));
    CHECK_FALSE(strict.said("ready\n"));
  }
  CHECK(verify(directory.path()).out == verified.out);  // strict has changed nothing

  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  CHECK(daemon.said("lost callbacks [2..2]"));
  CHECK(daemon.said("1 record lost to damage of the file"));
  CHECK(daemon.post("41").status == 202);
  CHECK(has(daemon.page("/metrics").body, "\npostoffice_journal_lost_records_total 1\n"));
  CHECK(eventually([&] { return daemon.status("accepted_ids") == 5; }));
  const auto dump = run_postofficed({"journal", "dump", "--data-dir", directory.path()}).out;
  for (const char* ids : {"[11,12]", "[31,32]", "[41]"}) CHECK(has(dump, ids));
  CHECK_FALSE(has(dump, "[21,22]"));
  CHECK_FALSE(std::filesystem::is_empty(directory / "queue/quarantine"));
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("a damaged callback on its way to a broker is told of, too") {
  const TemporaryDirectory directory;
  fill(directory.path());
  flip_byte(directory / segment, offset_of(directory.path(), 2) + 24);
  Daemon daemon(directory.path(), {"serve", "--queue", "file+amqp://127.0.0.1:1/", "--store",
                                   "postgresql://127.0.0.1:1/nobody"});
  REQUIRE(daemon.ready());
  CHECK(daemon.said("2 callbacks with 4 ids left from before"));
  CHECK(daemon.said("1 record lost to damage of the file"));
  CHECK(daemon.post("41").status == 202);
}
#endif

TEST_CASE("a segment that is gone or makes no sense is no reason not to start") {
  for (const bool gone : {true, false}) {
    const TemporaryDirectory directory;
    fill(directory.path());
    if (gone)
      std::filesystem::remove(directory / segment);
    else
      std::ofstream(directory / segment) << "what is this?";
    CHECK(verify(directory.path()).code == 74);
    Daemon strict(directory.path(), {"--journal-strict"});
    CHECK(strict.process().exit_code() == 74);
    Daemon daemon(directory.path());
    REQUIRE(daemon.ready());
    CHECK(daemon.said("lost callbacks [1..3]"));
    CHECK(has(daemon.page("/metrics").body, "\npostoffice_journal_lost_records_total 3\n"));
    CHECK(daemon.post("41").status == 202);
  }
}

TEST_CASE("a file that is none of the queue's: strict refuses, otherwise it is set aside") {
  const TemporaryDirectory directory;
  fill(directory.path());
  const std::string name = "0000000000000099.journal";
  std::ofstream(directory / ("queue/" + name)) << "what is this?";
  const auto verified = verify(directory.path());
  CHECK(verified.code == 74);
  CHECK(has(verified.out, name + ": this file does not belong to this queue"));
  Daemon strict(directory.path(), {"--journal-strict"});
  CHECK(strict.process().exit_code() == 74);
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  CHECK(daemon.said(name + " is not a segment of this queue; moved to quarantine"));
  CHECK(has(daemon.page("/metrics").body, "\npostoffice_journal_lost_records_total 0\n"));
  CHECK(content_of(directory / ("queue/quarantine/" + name)) == "what is this?");
}

TEST_CASE("a sound queue counts nothing lost, strict or not") {
  const TemporaryDirectory directory;
  fill(directory.path());
  Daemon daemon(directory.path(), {"--journal-strict"});
  REQUIRE(daemon.ready());
  CHECK(has(daemon.page("/metrics").body, "\npostoffice_journal_lost_records_total 0\n"));
}
