#include "postgres/session.hpp"

#include <algorithm>
#include <stdexcept>

namespace postoffice::postgres {
namespace {

void ignore_notice(void*, const PGresult*) {}

}  // namespace

ConnectOptions::ConnectOptions(const std::string& conninfo,
                               std::chrono::milliseconds connect_timeout) {
  using Parsed = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  const Parsed parsed(PQconninfoParse(conninfo.c_str(), nullptr), &PQconninfoFree);
  if (!parsed) {
    throw std::invalid_argument(
        "not a PostgreSQL conninfo: expected postgresql://user@host:port/database or key=value "
        "pairs");
  }
  for (const PQconninfoOption* option = parsed.get(); option->keyword; ++option) {
    if (option->val) options_.emplace_back(option->keyword, option->val);
  }
  set_default("fallback_application_name", "postoffice");
  set_default("target_session_attrs", "read-write");
  // A server that vanished without a word is noticed, busy or idle; and while connecting, so that
  // the next host gets its turn.
  set_default("keepalives_idle", "5");
  set_default("keepalives_interval", "3");
  set_default("keepalives_count", "3");
  set_default("tcp_user_timeout", std::to_string(connect_timeout.count()));
}

const std::string* ConnectOptions::find(const std::string& keyword) const {
  for (const auto& [name, value] : options_) {
    if (name == keyword) return &value;
  }
  return nullptr;
}

void ConnectOptions::set_default(const std::string& keyword, const std::string& value) {
  if (!find(keyword)) options_.emplace_back(keyword, value);
}

void ConnectOptions::set(const std::string& keyword, const char* value) {
  std::erase_if(options_, [&](const auto& option) { return option.first == keyword; });
  if (value && *value) options_.emplace_back(keyword, value);
}

ConnectOptions ConnectOptions::same_server(PGconn* session) const {
  ConnectOptions one = *this;
  one.set("host", PQhost(session));
  one.set("hostaddr", PQhostaddr(session));
  one.set("port", PQport(session));
  return one;
}

Session ConnectOptions::begin() const {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : options_) {
    keywords.push_back(keyword.c_str());
    values.push_back(value.c_str());
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  Session session(PQconnectStartParams(keywords.data(), values.data(), 0));
  if (!session) throw std::bad_alloc();
  PQsetNoticeReceiver(session.get(), ignore_notice, nullptr);
  // Verbose errors are the only way to the SQLSTATE of a refused connection.
  PQsetErrorVerbosity(session.get(), PQERRORS_VERBOSE);
  return session;
}

int ConnectOptions::hosts() const {
  const std::string* host = find("host");
  if (!host) host = find("hostaddr");
  return host ? 1 + static_cast<int>(std::count(host->begin(), host->end(), ',')) : 1;
}

std::string ConnectOptions::server() const {
  const std::string* host = find("host");
  if (!host) host = find("hostaddr");
  const std::string* port = find("port");
  return (host ? *host : "localhost") + ":" + (port ? *port : "5432");
}

}  // namespace postoffice::postgres
