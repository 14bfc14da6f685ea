// Commands beside a cluster: dead letters through its members, and instances by name and id.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "postofficed.hpp"
#include "support/postgres.hpp"
#include "support/rabbit.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;

namespace {

/// A publisher and a worker, whose source nobody serves.
struct Members {
  Members() {
    std::filesystem::create_directory(worker_data);  // so that it has its token there
    REQUIRE(serve.ready());
    REQUIRE(worker.ready());
    REQUIRE(eventually([&] { return serve.page("/readyz").status == 200; }));
    // What waits for a worker for longer than ttl ends as expired, not as a dead letter.
    REQUIRE(eventually([&] {
      return worker.said("shard 0: assigned to") && worker.said("shard 1: assigned to");
    }));
    REQUIRE(eventually([&] { return serve.post("7,8").status == 202; }));
    REQUIRE(eventually([&] { return count(serve_data) == 2; }));
  }

  Arguments options() const {
    return {"--store",        schema.conninfo(),
            "--queue",        broker.url,
            "--shards",       "2",
            "--source",       "http://127.0.0.1:1/{id}",
            "--ttl",          "1s",
            "--queue-prefix", broker.prefix};
  }

  Arguments command(const std::string& name) const {
    auto arguments = options();
    arguments.insert(arguments.begin(), name);
    return arguments;
  }

  /// Without store and queue: through a daemon or not at all.
  static Outcome letters(Arguments what, const std::string& data) {
    what.insert(what.begin(), "dead-letters");
    what.insert(what.end(), {"--data-dir", data});
    return run_postofficed(what);
  }

  static std::ptrdiff_t count(const std::string& data) {
    const auto out = letters({"list", "--json"}, data).out;
    return std::count(out.begin(), out.end(), '\n');
  }

  Outcome instances(Arguments what) const {
    what.insert(what.begin(), "instances");
    what.insert(what.end(), {"--store", schema.conninfo()});
    return run_postofficed(what);
  }

  /// The member of the first instance in whose line `text` is.
  std::string member(const std::string& name, const std::string& text) const {
    const auto out = instances({"list", "--json"}).out;
    const auto line = out.rfind('\n', out.find(text)) + 1;
    const auto begin = out.find("\"" + name + "\":\"", line) + name.size() + 4;
    return out.substr(begin, out.find('"', begin) - begin);
  }

  const PostgresSchema schema;
  const postoffice::RabbitOptions broker = rabbit_options(2);
  const TemporaryDirectory directory;
  const std::string serve_data = directory / "serve";
  const std::string worker_data = directory / "worker";
  Daemon serve{serve_data, command("serve")};
  Daemon worker{worker_data, command("worker")};
};

}  // namespace

TEST_CASE("dead letters and instances of a cluster") {
  if (!postgres_conninfo() || !rabbit_url())
    return skip("POSTOFFICE_TEST_POSTGRES and POSTOFFICE_TEST_RABBIT are not set");
  Members members;

  // A publisher receives them again; a worker cannot, and says who can.
  CHECK(Members::count(members.worker_data) == 2);
  const auto refused = Members::letters({"replay", "--all"}, members.worker_data);
  CHECK(refused.code == 69);
  CHECK(refused.err.find("postofficed serve") != std::string::npos);
  CHECK(Members::letters({"replay", "--all"}, members.serve_data).out ==
        "2 dead letters received again\n");
  CHECK(eventually([&] { return members.serve.status("accepted_ids") == 4; }));
  CHECK(eventually([&] { return members.worker.status("dead") == 4; }));

  // The name of a worker stands at each of its shards.
  const auto worker = members.member("name", "\"id\":\"shard-0\"");
  const auto several = members.instances({"retire", worker});
  CHECK(several.code == 64);
  CHECK(several.err.find("give the ID of one of them: shard-0, shard-1") != std::string::npos);
  const auto publisher = members.member("id", "\"shard\":0");
  for (const auto& alive : {std::string("shard-0"), publisher}) {
    const auto outcome = members.instances({"retire", alive});
    CHECK(outcome.code == 64);
    CHECK(outcome.err.find("is alive") != std::string::npos);
  }
  CHECK(members.instances({"retire", publisher, "--force", "--json"}).out ==
        "{\"retired\":\"" + publisher + "\"}\n");

  // Without a publisher there is nobody to receive anything, but what is stored can be read.
  members.serve.process().signal(SIGTERM);
  REQUIRE(members.serve.process().exit_code() == 0);
  auto down = members.options();
  down.insert(down.begin(), {"dead-letters", "replay", "--all", "--data-dir", members.serve_data});
  const auto nobody = run_postofficed(down);
  CHECK(nobody.code == 69);
  CHECK(nobody.err.find("--admin-listen HOST:PORT") != std::string::npos);
  down.emplace_back("--dry-run");
  CHECK(run_postofficed(down).out == "2 dead letters would be received again\n");
  CHECK(Members::letters({"drop", "--all"}, members.worker_data).out == "2 dead letters dropped\n");
}
