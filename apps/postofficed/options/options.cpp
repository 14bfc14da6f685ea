#include "options/options.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "options/command_line.hpp"
#include "options/command_table.hpp"
#include "options/config_file.hpp"
#include "options/effective_config.hpp"
#include "options/nearest.hpp"
#include "options/specification.hpp"
#include "options/values.hpp"
#include "reference/reference.hpp"

namespace postofficed {
namespace {

constexpr std::chrono::milliseconds interval_min{100};
constexpr std::uint64_t bench_seconds_min = 2;
constexpr std::uint64_t bench_seconds_max = 600;

struct Value {
  std::string text;
  std::string origin;
};

class Resolver {
 public:
  Resolver(CommandLine line, const Environment& environment)
      : line_(std::move(line)), environment_(environment) {}

  std::variant<ParsedOptions, Information, Problems> resolve() {
    for (const auto& text : line_.problems) usage_problem(text);
    look_for_wrong_names();
    read_config_file();
    for (const auto& row : specifications()) resolve(row);
    if (line_.problems.empty()) read_arguments();
    problems_.log_format = result_.options.log_format;
    if (!problems_.messages.empty()) return std::move(problems_);
    if (line_.print_config) return Information{show_as_config(result_)};
    return std::move(result_);
  }

 private:
  void problem(std::string text) { problems_.messages.push_back(std::move(text)); }

  // A misspelt variable would be ignored in silence.
  void look_for_wrong_names() {
    auto keys = config_keys();
    keys.emplace_back("config");
    const auto prefix = environment_name("");
    for (const auto& name : environment_.names()) {
      if (!name.starts_with(prefix)) continue;
      const auto is_name = [&](const std::string& key) { return name == environment_name(key); };
      if (std::any_of(keys.begin(), keys.end(), is_name)) continue;
      const auto value = environment_(name).value_or("");
      if (value.empty() || is_foreign(name, value)) continue;
      const auto meant = nearest(name.substr(prefix.size()), keys);
      problem(name + ": there is no such option" +
              (meant.empty() ? " (see postofficed --help)"
                             : "; did you mean " + environment_name(meant) + "?"));
    }
  }

  void read_config_file() {
    const auto path = flag_or_environment("config");
    if (!path) return;
    result_.options.config = path->text;
    const auto text = read_file(path->text);
    if (!text) return problem(path->origin + ": " + text.error().message);
    std::vector<std::string> found;
    for (auto& entry : read_config(*text, found)) add_entry(std::move(entry));
    for (const auto& message : found) problem(path->text + ":" + message);
  }

  void add_entry(ConfigEntry entry) {
    const std::string place = result_.options.config + ":" + std::to_string(entry.line);
    const auto known = config_keys();
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      return problem(place + ": unknown key \"" + entry.key + "\"" +
                     did_you_mean(entry.key, known, "\"", "\""));
    const auto [old, added] = file_.try_emplace(entry.key, Value{entry.value, place});
    if (!added)
      problem(place + ": \"" + entry.key + "\" is already given at " + old->second.origin);
  }

  std::optional<Value> from_flag(const std::string& key) const {
    const auto found = line_.values.find(key);
    if (found == line_.values.end()) return std::nullopt;
    return Value{found->second, "--" + key};
  }

  // An empty variable counts as none: service managers pass those for what is left out.
  std::optional<Value> from_environment(const std::string& key) const {
    const auto name = environment_name(key);
    const auto text = environment_(name);
    if (!text || text->empty()) return std::nullopt;
    return Value{*text, name};
  }

  std::optional<Value> from_file(const std::string& key) const {
    const auto found = file_.find(key);
    if (found == file_.end()) return std::nullopt;
    return found->second;
  }

  std::optional<Value> flag_or_environment(const std::string& key) const {
    auto value = from_flag(key);
    return value ? value : from_environment(key);
  }

  std::optional<Value> look_up(const Specification& row) {
    using Level = std::optional<Value> (Resolver::*)(const std::string&) const;
    for (const Level level :
         {&Resolver::from_flag, &Resolver::from_environment, &Resolver::from_file}) {
      auto value = (this->*level)(row.key);
      const auto path =
          row.secret ? (this->*level)(std::string(row.key) + "-file") : std::optional<Value>();
      if (value && path) {
        problem(value->origin + " and " + path->origin + " are both given: give only one of them");
      }
      if (value) return value;
      if (path) {
        secret_files_[row.key] = path->text;
        return read_secret(*path);
      }
    }
    return std::nullopt;
  }

  /// The path that an option which may hold a password was read from; empty: from none.
  std::string file_of_secret(const Specification& row) const {
    const auto found = secret_files_.find(row.key);
    return found == secret_files_.end() ? std::string() : found->second;
  }

  Value read_secret(const Value& path) {
    auto text = read_file(path.text);
    if (!text) {
      problem(path.origin + ": " + text.error().message);
      unreadable_.insert(path.origin);
      return {{}, path.origin};
    }
    const auto end = text->find_last_not_of(" \t\r\n");
    text->erase(end == std::string::npos ? 0 : end + 1);
    return {*std::move(text), path.origin};
  }

  std::string fallback(const Specification& row) const {
    if (row.fallback) return row.fallback;
    const std::string key = row.key;
    const auto& options = result_.options;
    if (key == "admin-listen") {
      return line_.command == Command::worker ? "localhost:9092" : "localhost:9091";
    }
    if (key == "store") return "sqlite:" + options.data_dir + "/objects.db";
    if (key == "queue") return "file:" + options.data_dir + "/queue";
    const auto state = environment_("STATE_DIRECTORY");
    if (!state || state->empty()) return "./postoffice-data";
    return state->substr(0, state->find(':'));  // a list, if the unit names several
  }

  void resolve(const Specification& row) {
    const auto given = look_up(row);
    const Value value = given ? *given : Value{fallback(row), "default"};
    if (unreadable_.count(value.origin) != 0) return;
    if (!given && value.text.empty()) {  // it has no default
      result_.shown.push_back({row.key, {}, value.origin});
      return;
    }
    const auto failure =
        value.text.empty() ? misconfigured("is empty") : row.apply(value.text, result_.options);
    if (failure) {
      // Whatever stands in the place of a secret may be one.
      const std::string quoted = row.secret ? "the value" : "\"" + redact(value.text) + "\"";
      problem(value.origin + ": " + quoted + " " + failure.message);
    }
    result_.shown.push_back({row.key, redact(value.text), value.origin, file_of_secret(row)});
  }

  void read_arguments() {
    auto& options = result_.options;
    options.command = line_.command;
    options.json = line_.json;
    options.all = line_.all;
    options.online = line_.online;
    if (line_.command == Command::worker) return read_worker_concurrency();
    if (line_.command == Command::self_test) return read_self_test();
    if (line_.command == Command::top) return read_top();
    if (line_.command == Command::bench) return read_bench();
    if (line_.command == Command::instances_retire) options.instance = line_.arguments.front();
    options.force = line_.force;
    const bool changes = line_.command == Command::dead_letters_replay ||
                         line_.command == Command::dead_letters_drop;
    if (changes || line_.command == Command::dead_letters_list) read_letters(changes);
  }

  void read_letters(bool changes) {
    auto& options = result_.options;
    options.dry_run = line_.dry_run;
    options.reason = line_.reason;
    for (const auto* list : {&line_.arguments, &line_.ids}) {
      for (const auto& text : *list) read_letter_id(text);
    }
    if (!line_.since.empty()) {
      options.since = parse_duration(line_.since);
      if (!options.since)
        usage_problem("--since: \"" + line_.since + "\" is not a duration (500ms, 30s, 5m, 1h)");
    }
    const bool chosen = !options.ids.empty() || !options.reason.empty() || options.since;
    if (chosen && options.all) usage_problem("give --all, or ids, --reason or --since, not both");
    if (!chosen && !options.all && changes)
      usage_problem("give ids, --reason TEXT, --since DURATION, or --all");
  }

  void read_letter_id(const std::string& text) {
    if (const auto id = parse_id(text)) {
      result_.options.ids.push_back(*id);
    } else {
      usage_problem("\"" + text + "\" is not an id");
    }
  }

  void read_worker_concurrency() {
    if (line_.arguments.empty()) return;
    const auto count = parse_count(line_.arguments.front());
    if (!count || *count == 0) {
      return usage_problem("worker: \"" + line_.arguments.front() +
                           "\" is not a number of fetches");
    }
    result_.options.fetch_concurrency = *count;
    for (auto& option : result_.shown) {
      if (option.name == "fetch-concurrency")
        option = {option.name, line_.arguments.front(), "worker " + line_.arguments.front(), {}};
    }
  }

  void read_self_test() {
    result_.options.directory = line_.arguments.front();
    if (line_.crashes.empty()) return;
    result_.options.crashes = parse_count(line_.crashes);
    if (result_.options.crashes.value_or(0) > 0) return;
    usage_problem("--crashes: \"" + line_.crashes + "\" is not a number of crashes");
  }

  void read_top() {
    result_.options.once = line_.once;
    if (line_.interval.empty()) return;
    const auto interval = parse_duration(line_.interval);
    if (!interval || *interval < interval_min) {
      return usage_problem("--interval: \"" + line_.interval + "\" is not a duration of at least " +
                           show_duration(interval_min));
    }
    result_.options.interval = *interval;
  }

  void read_bench() {
    auto& options = result_.options;
    if (!line_.arguments.empty()) options.directory = line_.arguments.front();
    options.compare = line_.compare;
    if (line_.seconds.empty()) return;
    const auto count = parse_count(line_.seconds);
    if (!count || *count < bench_seconds_min || *count > bench_seconds_max) {
      return usage_problem("--seconds: \"" + line_.seconds + "\" is not a number from " +
                           std::to_string(bench_seconds_min) + " to " +
                           std::to_string(bench_seconds_max));
    }
    options.seconds = std::chrono::seconds(*count);
  }

  void usage_problem(std::string text) {
    problems_.code = ExitCode::usage;
    problem(std::move(text));
  }

  CommandLine line_;
  const Environment& environment_;
  std::map<std::string, Value> file_;
  std::map<std::string, std::string> secret_files_;  // by key
  std::set<std::string> unreadable_;
  ParsedOptions result_;
  Problems problems_;
};

std::variant<ParsedOptions, Information, Problems> help(const CommandLine& line) {
  if (!line.format.empty()) {
    auto text = reference_text(line.format);
    if (text) return Information{*std::move(text)};
    return Problems{
        ExitCode::usage,
        {"--format: \"" + line.format + "\" is no format" + " (see postofficed help --help)"}};
  }
  const auto& words = line.arguments;
  const std::vector<std::string> first = words_of();
  const std::vector<std::string> second = words_of(words.empty() ? "" : words.front());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& known = i == 0 ? first : second;
    if (std::find(known.begin(), known.end(), words[i]) != known.end()) continue;
    const auto meant = did_you_mean(words[i], known);
    return Problems{ExitCode::usage,
                    {words[i] + ": there is no such command" +
                     (meant.empty() ? " (see postofficed --help)" : meant)}};
  }
  return Information{help_text(words)};
}

}  // namespace

std::variant<ParsedOptions, Information, Problems> parse_options(
    const std::vector<std::string>& arguments, const Environment& environment) {
  auto line = read_command_line(arguments);
  if (auto* information = std::get_if<Information>(&line)) return std::move(*information);
  const auto& read = std::get<CommandLine>(line);
  if (read.command == Command::help && read.problems.empty()) return help(read);
  return Resolver(std::get<CommandLine>(std::move(line)), environment).resolve();
}

}  // namespace postofficed
