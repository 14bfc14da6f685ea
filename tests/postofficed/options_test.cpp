#include "options/options.hpp"

#include <doctest/doctest.h>

#include <map>

#include "postofficed/temporary_file.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

using Parsed = std::variant<ParsedOptions, Information, Problems>;
using Variables = std::map<std::string, std::string>;

Parsed parse(const std::vector<std::string>& arguments, const Variables& variables = {}) {
  return parse_options(arguments, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

Options good(const Parsed& result) {
  if (const auto* problems = std::get_if<Problems>(&result)) {
    for (const auto& message : problems->messages) MESSAGE(message);
  }
  REQUIRE(std::holds_alternative<ParsedOptions>(result));
  return std::get<ParsedOptions>(result).options;
}

Problems bad(const Parsed& result) {
  REQUIRE(std::holds_alternative<Problems>(result));
  return std::get<Problems>(result);
}

}  // namespace

TEST_CASE("without any option the defaults of the contract hold") {
  const auto options = good(parse({}));
  CHECK(options.command == Command::run);
  CHECK(options.listen == "localhost:9090");
  CHECK(options.admin_listen == "localhost:9091");
  CHECK(options.source == "http://localhost:9010/objects/{id}");
  CHECK(options.store.kind == StoreLocation::Kind::sqlite);
  CHECK(options.store.target == "./postoffice-data/objects.db");
  CHECK(options.queue.directory == "./postoffice-data/queue");
  CHECK(options.ttl == 30s);
  CHECK(options.keep == postoffice::Keep::all);
  CHECK(options.fetch_concurrency == 1024);
  CHECK(options.drain_limit == 5s);
  CHECK(options.shards == 8);
  CHECK(options.queue_prefix == "postoffice");
  CHECK(options.log_level == postoffice::LogLevel::info);
  CHECK(options.log_format == LogFormat::text);
}

TEST_CASE("a flag wins over the environment, that over the file, that over the default") {
  const TemporaryFile file("ttl = 40s\nkeep = online\nfetch-concurrency = 7\n");
  const Variables variables{
      {"POSTOFFICE_TTL", "50s"}, {"POSTOFFICE_KEEP", "all"}, {"POSTOFFICE_CONFIG", file.path()}};
  const auto options = good(parse({"--ttl", "60s"}, variables));
  CHECK(options.ttl == 60s);
  CHECK(options.keep == postoffice::Keep::all);
  CHECK(options.fetch_concurrency == 7);
  CHECK(options.drain_limit == 5s);
}

TEST_CASE("options may stand before or after the command") {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--ttl=1m", "migrate"}, {"migrate", "--ttl=1m"}, {"migrate", "--ttl", "1m"}}) {
    const auto options = good(parse(arguments));
    CHECK(options.command == Command::migrate);
    CHECK(options.ttl == 1min);
  }
}

TEST_CASE("every command of the contract is known") {
  const std::vector<std::pair<std::vector<std::string>, Command>> commands{
      {{"run"}, Command::run},
      {{"serve"}, Command::serve},
      {{"worker"}, Command::worker},
      {{"migrate"}, Command::migrate},
      {{"validate"}, Command::validate},
      {{"journal", "verify"}, Command::journal_verify},
      {{"journal", "dump"}, Command::journal_dump},
      {{"journal", "stat"}, Command::journal_stat},
      {{"self-test", "/d"}, Command::self_test},
      {{"dead-letters", "list"}, Command::dead_letters_list},
      {{"dead-letters", "replay", "--all"}, Command::dead_letters_replay},
      {{"dead-letters", "drop", "--all"}, Command::dead_letters_drop},
      {{"instances", "list"}, Command::instances_list},
      {{"instances", "retire", "x"}, Command::instances_retire},
  };
  for (const auto& [arguments, command] : commands) {
    CHECK(good(parse(arguments)).command == command);
  }
}

TEST_CASE("unknown options, commands and superfluous arguments are wrong usage") {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"--colour", "red"},
                                             {"deliver"},
                                             {"migrate", "now"},
                                             {"run", "migrate"},
                                             {"journal"},
                                             {"journal", "burn"},
                                             {"--ttl"},
                                             {"worker", "many"},
                                             {"dead-letters", "drop"},
                                             {"dead-letters", "drop", "--all", "1"},
                                             {"dead-letters", "drop", "x"}}) {
    CAPTURE(arguments.back());
    CHECK(bad(parse(arguments)).code == ExitCode::usage);
  }
}

TEST_CASE("a bad value is named together with the place it came from") {
  const auto check = [](const Parsed& result, const std::string& expected) {
    const auto problems = bad(result);
    CHECK(problems.code == ExitCode::configuration);
    REQUIRE(problems.messages.size() == 1);
    CHECK(problems.messages.front() == expected);
  };
  check(parse({"--ttl", "5 parsecs"}),
        "--ttl: \"5 parsecs\" is not a duration (500ms, 30s, 5m, 1h)");
  check(parse({}, {{"POSTOFFICE_KEEP", "none"}}),
        "POSTOFFICE_KEEP: \"none\" must be all or online");
  const TemporaryFile file("# comment\n\nlisten = nowhere\n");
  check(parse({"--config", file.path()}),
        file.path() + ":3: \"nowhere\" is not an address (HOST:PORT, [::1]:9090, :9090)");
  check(parse({"--fetch-concurrency", "0"}),
        "--fetch-concurrency: \"0\" is not a whole number from 1 to 1000000");
  check(parse({"--source", "https://h/{id}"}),
        "--source: \"https://h/{id}\" cannot be used: TLS support is not built in");
  check(parse({"--source", "http://h/"}),
        "--source: \"http://h/\" has no place for the id: {id} is missing");
}

TEST_CASE("all problems are told at once") {
  CHECK(bad(parse({"--ttl", "x", "--keep", "y", "--listen", "z"})).messages.size() == 3);
}

TEST_CASE("mistakes of all kinds are told at once, each with what was probably meant") {
  const TemporaryFile file("lisen = :1\nwhatever = 1\n");
  const auto problems = bad(parse(
      {"validate", "--onlin", "--listn", ":1", "--ttl", "30", "--keep=onlin", "--queue-limit",
       "10GB", "--listen", "9090", "--log-level", "warn", "--config", file.path(), "--colour=red"},
      {{"POSTOFFICE_PUBLIC_HEALTH", "ture"}}));
  CHECK(problems.code == ExitCode::usage);
  const std::vector<std::string> expected{
      "--onlin: there is no such option; did you mean --online?",
      "--listn: there is no such option; did you mean --listen?",
      "--colour: there is no such option (see postofficed --help)",
      file.path() + ":1: unknown key \"lisen\"; did you mean \"listen\"?",
      file.path() + ":2: unknown key \"whatever\"",
      "--listen: \"9090\" is not an address (HOST:PORT, [::1]:9090, :9090); did you mean "
      "\":9090\"?",
      "POSTOFFICE_PUBLIC_HEALTH: \"ture\" must be true or false; did you mean \"true\"?",
      "--ttl: \"30\" is not a duration (500ms, 30s, 5m, 1h); did you mean \"30s\"?",
      "--keep: \"onlin\" must be all or online; did you mean \"online\"?",
      "--queue-limit: \"10GB\" is not a size (512MiB, 10GiB); did you mean \"10GiB\"?",
      "--log-level: \"warn\" must be debug, info, warning or error; did you mean \"warning\"?",
  };
  CHECK(problems.messages == expected);
}

TEST_CASE("wrong usage is told in words that name it, the right way round") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--listn", "x"}, "--listn: there is no such option; did you mean --listen?"},
      {{"replya"}, "replya: there is no such command; did you mean dead-letters replay?"},
      {{"dead-letters", "replya"},
       "dead-letters replya: there is no such command; did you mean replay?"},
      {{"sevre"}, "sevre: there is no such command; did you mean serve?"},
      {{"journal"}, "journal needs one of verify, dump, stat (see postofficed journal --help)"},
      {{"journal", "repair"},
       "journal repair: there is no such command; journal has verify, dump, stat"},
      {{"migrate", "now"}, "now: migrate takes no such argument (see postofficed migrate --help)"},
      {{"run", "--json"}, "--json: run takes no such argument (see postofficed run --help)"},
      {{"--ttl"}, "--ttl: its value is missing (see postofficed --help)"},
      {{"self-test"}, "self-test needs DIR (see postofficed self-test --help)"},
      {{"help", "jurnal"}, "jurnal: there is no such command; did you mean journal?"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto problems = bad(parse(arguments));
    CHECK(problems.code == ExitCode::usage);
    CHECK(problems.messages == std::vector<std::string>{message});
  }
}

TEST_CASE("the help of a command lists its options, and no others") {
  const auto text = [](const std::vector<std::string>& arguments) {
    const auto result = parse(arguments);
    REQUIRE(std::holds_alternative<Information>(result));
    return std::get<Information>(result).text;
  };
  const auto worker = text({"worker", "--help"});
  CHECK(worker.find("--fetch-concurrency N") != std::string::npos);
  CHECK(worker.find("--ingress-threads") == std::string::npos);
  CHECK(worker == text({"help", "worker"}));
  const auto stat = text({"journal", "stat", "-h"});
  CHECK(stat.find("--json") != std::string::npos);
  CHECK(stat.find("--queue QUEUE") != std::string::npos);
  CHECK(stat.find("--ttl") == std::string::npos);
  CHECK(stat == text({"help", "journal", "stat"}));
  CHECK(text({"journal", "--help"}).find("verify") != std::string::npos);
  CHECK(text({"help"}) == text({"--help"}));
}

TEST_CASE("an unknown key of the config file is refused") {
  const TemporaryFile file("ttl = 1s\ntlt = 1s\n");
  const auto problems = bad(parse({"--config", file.path()}));
  CHECK(problems.code == ExitCode::configuration);
  CHECK(problems.messages.front() ==
        file.path() + ":2: unknown key \"tlt\"; did you mean \"ttl\"?");
}

TEST_CASE("a config file that is missing, doubled or no list of keys is refused") {
  CHECK(bad(parse({"--config", "/nonexistent/file"})).code == ExitCode::configuration);
  CHECK(bad(parse({"--config", "/tmp"})).code == ExitCode::configuration);
  const TemporaryFile twice("ttl = 1s\nttl = 2s\n");
  CHECK(bad(parse({"--config", twice.path()})).code == ExitCode::configuration);
  const TemporaryFile prose("dear daemon,\n");
  CHECK(bad(parse({"--config", prose.path()})).code == ExitCode::configuration);
}

TEST_CASE("config values may be quoted and may hold '=' and '#'") {
  const TemporaryFile file("store = \"host=db password=a#b=c\"\n  data-dir =  /some where \n");
  const auto options = good(parse({"--config", file.path()}));
  CHECK(options.store.target == "host=db password=a#b=c");
  CHECK(options.data_dir == "/some where");
}

TEST_CASE("a secret can come from a file, whose line end does not count") {
  const TemporaryFile file("postgresql://u:secret@h/db\n");
  CHECK(good(parse({"--store-file", file.path()})).store.target == "postgresql://u:secret@h/db");
  CHECK(good(parse({}, {{"POSTOFFICE_STORE_FILE", file.path()}})).store.target ==
        "postgresql://u:secret@h/db");
  const TemporaryFile config("store-file = " + file.path() + "\n");
  CHECK(good(parse({"--config", config.path()})).store.target == "postgresql://u:secret@h/db");
}

TEST_CASE("a secret given both ways at once is refused, a stronger source wins") {
  const TemporaryFile file("sqlite:/from/file");
  const auto problems = bad(parse({"--store", "sqlite:/x", "--store-file", file.path()}));
  CHECK(problems.code == ExitCode::configuration);
  CHECK(good(parse({"--store", "sqlite:/x"}, {{"POSTOFFICE_STORE_FILE", file.path()}}))
            .store.target == "/x");
  CHECK(good(parse({"--store-file", file.path()}, {{"POSTOFFICE_STORE", "sqlite:/x"}}))
            .store.target == "/from/file");
  CHECK(bad(parse({"--store-file", "/nonexistent"})).messages.size() == 1);
}

TEST_CASE("neither problems nor shown options give a password away") {
  const auto problems = bad(parse({"--store", "hunter2", "--queue", "hunter2"}));
  REQUIRE(problems.messages.size() == 2);
  for (const auto& message : problems.messages) {
    CHECK(message.find("hunter2") == std::string::npos);
  }
  const auto sources = bad(parse({"--source", "ftp://u:hunter2@h/{id}?token=hunter2"}));
  CHECK(sources.messages.front().find("hunter2") == std::string::npos);
  const auto result = parse({"--store", "postgresql://u:hunter2@h/db", "--queue",
                             "amqp://u:hunter2@h/", "--source", "http://h/{id}?token=hunter2"});
#ifndef POSTOFFICED_RABBITMQ
  for (const auto& message : bad(result).messages) {
    CHECK(message.find("hunter2") == std::string::npos);
  }
  return;
#endif
  REQUIRE(std::holds_alternative<ParsedOptions>(result));
  for (const auto& option : std::get<ParsedOptions>(result).shown) {
    CHECK(option.value.find("hunter2") == std::string::npos);
  }
}

#ifndef POSTOFFICED_RABBITMQ
TEST_CASE("what this build cannot do is said when the options are read") {
  const auto problems = bad(parse({"--queue", "file+amqp://h/"}));
  CHECK(problems.code == ExitCode::configuration);
  CHECK(problems.messages.front().find("RabbitMQ support is not built in") != std::string::npos);
}
#endif

TEST_CASE("the data directory follows the service manager, store and queue follow it") {
  const auto options = good(parse({}, {{"STATE_DIRECTORY", "/var/lib/postoffice:/other"}}));
  CHECK(options.data_dir == "/var/lib/postoffice");
  CHECK(options.store.target == "/var/lib/postoffice/objects.db");
  CHECK(options.queue.directory == "/var/lib/postoffice/queue");
}

TEST_CASE("an empty environment variable counts as none") {
  CHECK(good(parse({}, {{"POSTOFFICE_TTL", ""}})).ttl == 30s);
}

TEST_CASE("a worker has its own admin port and may be given its concurrency") {
  const auto options = good(parse({"worker", "12", "--fetch-concurrency", "5"}));
  CHECK(options.admin_listen == "localhost:9092");
  CHECK(options.fetch_concurrency == 12);
}

TEST_CASE("a queue's limit is a size that a queue can live with, or none") {
  CHECK(good(parse({})).queue_limit == 0);
  CHECK(good(parse({"--queue-limit", "1GiB"})).queue_limit == 1u << 30);
  for (const char* text : {"1", "100MiB", "much"}) {
    CHECK_FALSE(std::holds_alternative<ParsedOptions>(parse({"--queue-limit", text})));
  }
}

TEST_CASE("ids of dead letters may be negative") {
  const auto options = good(parse({"dead-letters", "drop", "5", "-7", "0"}));
  CHECK(options.ids == std::vector<postoffice::ObjectId>{5, -7, 0});
}

TEST_CASE("switches can be turned on and off everywhere") {
  CHECK(good(parse({"--journal-strict"})).journal_strict);
  const Variables on{{"POSTOFFICE_JOURNAL_STRICT", "true"}};
  CHECK(good(parse({}, on)).journal_strict);
  CHECK_FALSE(good(parse({"--journal-strict=false"}, on)).journal_strict);
  CHECK(good(parse({})).synchronous_commit);
  CHECK_FALSE(good(parse({"--synchronous-commit=false"})).synchronous_commit);
}

TEST_CASE("help and version are information, not problems") {
  const auto help = parse({"--help"});
  REQUIRE(std::holds_alternative<Information>(help));
  CHECK(std::get<Information>(help).text.find("dead-letters") != std::string::npos);
  CHECK(std::holds_alternative<Information>(parse({"--version"})));
  CHECK(std::holds_alternative<Information>(parse({"migrate", "--help"})));
}
