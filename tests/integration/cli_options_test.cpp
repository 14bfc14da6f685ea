// Commands that end by themselves: exit codes and messages.
#include <doctest/doctest.h>

#include <algorithm>

#include "postofficed.hpp"

using namespace postoffice::testing;

namespace {

long lines_of(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("wrong usage is 64 and one line") {
  for (const Arguments& arguments :
       {Arguments{"--colour"}, Arguments{"deliver"}, Arguments{"journal", "burn"}}) {
    const auto outcome = run_postofficed(arguments);
    CHECK(outcome.code == 64);
    CHECK(outcome.out.empty());
    CHECK(lines_of(outcome.err) == 1);
  }
}

TEST_CASE("a configuration that cannot work is 78, with a line for each problem") {
  const auto outcome = run_postofficed({"--ttl", "soon", "--keep", "some"});
  CHECK(outcome.code == 78);
  CHECK(lines_of(outcome.err) == 2);
  CHECK(outcome.err.find("--ttl: \"soon\"") != std::string::npos);
}

TEST_CASE("an unknown key of the config file is 78 and names its line") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "conf") << "ttl = 30s\nttl-seconds = 30\n";
  const auto outcome = run_postofficed({"--config", directory / "conf"});
  CHECK(outcome.code == 78);
  CHECK(outcome.err.find("conf:2: unknown key \"ttl-seconds\"") != std::string::npos);
}

TEST_CASE("help and version are good ends on stdout") {
  for (const char* flag : {"--help", "--version"}) {
    const auto outcome = run_postofficed({flag});
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    CHECK_FALSE(outcome.out.empty());
  }
}

TEST_CASE("serve and worker need a broker: a file queue is 78") {
  for (const Arguments& arguments : {Arguments{"serve"}, Arguments{"worker", "5"},
                                     Arguments{"serve", "--queue", "file:/tmp/q"}}) {
    const auto outcome = run_postofficed(arguments);
    CHECK(outcome.code == 78);
    CHECK(outcome.err.find("needs a broker") != std::string::npos);
    CHECK(lines_of(outcome.err) == 1);
  }
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("a broker needs a store that several processes share") {
  for (const char* command : {"run", "serve", "worker"}) {
    const auto outcome = run_postofficed({command, "--queue", "amqp://u:hunter2@h/"});
    CHECK(outcome.code == 78);
    CHECK(outcome.err.find("--store postgresql://") != std::string::npos);
    CHECK(outcome.err.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a broker's address that cannot work is 78, and its password is not shown") {
  for (const char* queue : {"amqp://u:hunter2@h:no-port/", "amqps://u:hunter2@h/?verify=no"}) {
    for (const char* command : {"serve", "worker", "validate"}) {
      const auto outcome =
          run_postofficed({command, "--queue", queue, "--store", "postgresql://h/db"});
      CHECK(outcome.code == 78);
      CHECK((outcome.out + outcome.err).find("hunter2") == std::string::npos);
    }
  }
}

TEST_CASE("a queue without files has no journal to look at") {
  const auto outcome = run_postofficed({"journal", "verify", "--queue", "amqp://u:hunter2@h/"});
  CHECK(outcome.code == 78);
  CHECK(outcome.err.find("amqp://u:***@h/ has no files") != std::string::npos);
}
#else
TEST_CASE("queues of a broker say that it is not built in") {
  for (const char* queue : {"amqp://h/", "file+amqp://u:hunter2@h/"}) {
    const auto outcome = run_postofficed({"--queue", queue});
    CHECK(outcome.code == 78);
    CHECK(outcome.err.find("RabbitMQ support is not built in") != std::string::npos);
    CHECK(outcome.err.find("hunter2") == std::string::npos);
  }
}
#endif

TEST_CASE("the embedded store has no instances, and a server that is away tells none") {
  CHECK(run_postofficed({"instances", "list"}).code == 78);
  CHECK(run_postofficed({"instances", "retire", "a"}).code == 78);
  CHECK(run_postofficed({"instances", "retire"}).code == 64);
  const Arguments away{"--store", "postgresql://user:hunter2@127.0.0.1:1/db"};
  for (Arguments command :
       {Arguments{"instances", "list"}, Arguments{"instances", "retire", "a"}}) {
    command.insert(command.end(), away.begin(), away.end());
    const auto outcome = run_postofficed(command);
    CHECK(outcome.code == 69);
    CHECK(outcome.err.find("127.0.0.1:1") != std::string::npos);
    CHECK(outcome.err.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("validate tells a configuration that works from one that does not") {
  const TemporaryDirectory directory;
  const auto good = run_postofficed({"validate", "--data-dir", directory / "new"});
  CHECK(good.code == 0);
  CHECK(good.out.find("configuration is valid") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "new"));

  std::ofstream(directory / "file") << "no directory";
  CHECK(run_postofficed({"validate", "--data-dir", directory / "file"}).code == 78);
  const auto bad = run_postofficed({"validate", "--data-dir", directory.path(), "--store",
                                    "host=h nonsense=1 password=hunter2"});
  CHECK(bad.code == 78);
  CHECK((bad.out + bad.err).find("hunter2") == std::string::npos);
}

TEST_CASE("validate --online says of each neighbour what was tried, what came, and what to do") {
  const TemporaryDirectory directory;
  const auto outcome = run_postofficed({"validate", "--online", "--data-dir", directory / "new",
                                        "--listen", "localhost:0", "--admin-listen", "localhost:0",
                                        "--source", "http://127.0.0.1:1/{id}?token=hunter2",
                                        "--store", "postgresql://u:hunter2@127.0.0.1:1/db"});
  CHECK(outcome.code == 69);
  CHECK(lines_of(outcome.err) == 2);
  CHECK(outcome.out.find("unreachable ask http://127.0.0.1:1/{id}?token=*** without an id: connect "
                         "to 127.0.0.1:1: Connection refused") != std::string::npos);
  CHECK(outcome.out.find("next:       start the server, or correct --store") != std::string::npos);
  CHECK((outcome.out + outcome.err).find("hunter2") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory / "new"));

  const auto wrong =
      run_postofficed({"validate", "--online", "--json", "--data-dir", directory.path(), "--listen",
                       "192.0.2.1:9090", "--admin-listen", "localhost:0"});
  CHECK(wrong.code == 78);
  CHECK(wrong.out.find("{\"valid\":true,\"options\":[") == 0);
  CHECK(wrong.out.find("\"part\":\"listen\",\"tried\":\"listen on 192.0.2.1:9090\",\"result\":"
                       "\"wrong\"") != std::string::npos);
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("validate --online logs in to the broker") {
  const TemporaryDirectory directory;
  const auto outcome =
      run_postofficed({"validate", "--online", "--data-dir", directory.path(), "--listen",
                       "localhost:0", "--admin-listen", "localhost:0", "--queue",
                       "amqp://u:hunter2@127.0.0.1:1/", "--store", "postgresql://127.0.0.1:1/db"});
  CHECK(outcome.code == 69);
  CHECK(outcome.err.find("queue: 127.0.0.1:1: ") != std::string::npos);
  CHECK((outcome.out + outcome.err).find("hunter2") == std::string::npos);
}
#endif

#ifdef POSTOFFICED_TLS
TEST_CASE("validate reads the certificates that a broker's URL names") {
  const TemporaryDirectory directory;
  const auto validate = [&](const std::string& query) {
    return run_postofficed({"validate", "--data-dir", directory.path(), "--queue",
                            "amqps://user:hunter2@broker.example/" + query, "--store",
                            "postgresql://database.example/db"});
  };
  CHECK(validate("").code == 0);
  std::ofstream(directory / "text.pem") << "no certificate";
  for (const char* name : {"none.pem", "text.pem"}) {
    const auto outcome = validate("?cacertfile=" + directory / name);
    CHECK(outcome.code == 78);
    CHECK(outcome.err.find(std::string(name) + " cannot be used: ") != std::string::npos);
    CHECK(outcome.err.find("hunter2") == std::string::npos);
  }
}
#endif

TEST_CASE("a data directory that cannot be written is 74") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "no directory";
  for (const std::string& path : {directory / "file", directory / "file/below"}) {
    const auto outcome = run_postofficed({"--data-dir", path});
    CHECK(outcome.code == 74);
    CHECK(outcome.err.find(path) != std::string::npos);
  }
}

TEST_CASE("journal commands on a directory without a journal are 74") {
  const TemporaryDirectory directory;
  for (const char* what : {"verify", "dump", "stat"}) {
    const auto outcome = run_postofficed({"journal", what, "--data-dir", directory / "none"});
    CHECK(outcome.code == 74);
    CHECK(lines_of(outcome.err) == 1);
  }
}
