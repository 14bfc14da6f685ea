#include "postgres/session.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace postoffice::postgres {
namespace {

/// The server ends a statement by itself, and has this much time to report it. A busy server reads
/// nothing meanwhile, so TCP would consider it dead: TCP's limit must be longer than the server's
/// own.
constexpr std::chrono::milliseconds busy_grace{4'000};

constexpr std::array<std::string_view, 10> credentials{
    "user",        "password",    "passfile", "sslcert",   "sslkey",
    "sslpassword", "sslrootcert", "sslcrl",   "sslcrldir", "krbsrvname"};

bool is_name(std::string_view text) {
  constexpr std::size_t longest = 40;
  return !text.empty() && text.size() <= longest &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string_view::npos;
}

// libpq quotes in its messages what it could not parse, perhaps part of a password. Only an
// option's name is repeated here, if it looks like one.
std::string unknown_option(std::string_view message) {
  for (const std::string_view begin :
       {"invalid connection option \"", "invalid URI query parameter: \""}) {
    const auto place = message.find(begin);
    if (place == std::string_view::npos) continue;
    const std::string_view rest = message.substr(place + begin.size());
    const std::string_view name = rest.substr(0, rest.find('"'));
    if (is_name(name)) return std::string(name);
  }
  return {};
}

[[noreturn]] void refuse(const char* message) {
  const std::string name = unknown_option(message ? message : "");
  if (!name.empty()) {
    throw std::invalid_argument("libpq knows no connection option \"" + name + "\"");
  }
  throw std::invalid_argument(
      "not a PostgreSQL conninfo: expected postgresql://user@host:port/database or key=value "
      "pairs");
}

ConnectList without_credentials(const ConnectList& list) {
  ConnectList rest;
  for (const auto& option : list) {
    const bool says_who =
        std::find(credentials.begin(), credentials.end(), option.first) != credentials.end();
    if (!says_who) rest.push_back(option);
  }
  return rest;
}

}  // namespace

const std::string* find(const ConnectList& list, const std::string& keyword) {
  for (const auto& [name, value] : list) {
    if (name == keyword) return &value;
  }
  return nullptr;
}

ConnectOptions::ConnectOptions(const std::string& conninfo,
                               std::chrono::milliseconds connect_timeout,
                               std::chrono::milliseconds statement_timeout)
    : connect_timeout_(connect_timeout) {
  using Parsed = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  char* message = nullptr;
  const Parsed parsed(PQconninfoParse(conninfo.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
  if (!parsed) refuse(message);
  for (const PQconninfoOption* option = parsed.get(); option->keyword; ++option) {
    if (option->val) list_.emplace_back(option->keyword, option->val);
  }
  set_default("fallback_application_name", "postoffice");
  set_default("target_session_attrs", "read-write");
  // Notices a server that vanished, busy or idle.
  set_default("keepalives_idle", "5");
  set_default("keepalives_interval", "3");
  set_default("keepalives_count", "3");
  set_default("tcp_user_timeout", std::to_string((statement_timeout + busy_grace).count()));
}

void ConnectOptions::set_default(const std::string& keyword, const std::string& value) {
  if (!find(list_, keyword)) list_.emplace_back(keyword, value);
}

ConnectOptions ConnectOptions::same_server(PGconn* session, std::chrono::seconds limit) const {
  ConnectOptions one = *this;
  const auto set = [&one](const char* keyword, const std::string& value) {
    std::erase_if(one.list_, [&](const auto& option) { return option.first == keyword; });
    if (!value.empty()) one.list_.emplace_back(keyword, value);
  };
  const auto text_of = [](const char* text) { return std::string(text ? text : ""); };
  set("host", text_of(PQhost(session)));
  set("hostaddr", text_of(PQhostaddr(session)));
  set("port", text_of(PQport(session)));
  set("connect_timeout", std::to_string(limit.count()));
  return one;
}

bool ConnectOptions::same_database(const ConnectOptions& other) const {
  return without_credentials(list_) == without_credentials(other.list_);
}

}  // namespace postoffice::postgres
