#include "postgres/open_session.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>

#include "postgres/host_list.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using Clock = std::chrono::steady_clock;

enum class Progress { open, failed, silent, cancelled };

void ignore_notice(void*, const PGresult*) {}

Session start_connecting(const ConnectList& list) {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  for (const auto& [keyword, value] : list) {
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

std::string text_of(const char* text) { return text ? text : ""; }

// The server that libpq uses, or has tried last.
Host tried(PGconn* session) {
  return {text_of(PQhost(session)), text_of(PQhostaddr(session)), text_of(PQport(session))};
}

// The options that libpq has resolved from conninfo, environment and service file.
ConnectList resolved(PGconn* session) {
  ConnectList list;
  using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;
  const Options options(PQconninfo(session), &PQconninfoFree);
  if (!options) return list;
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option) {
    if (option->val && *option->val) list.emplace_back(option->keyword, option->val);
  }
  return list;
}

// As libpq reads connect_timeout: seconds, at least two; zero or less means no limit.
std::optional<std::chrono::milliseconds> time_limit(const ConnectList& list,
                                                    std::chrono::milliseconds otherwise) {
  const std::string* given = find(list, "connect_timeout");
  if (!given) return otherwise;
  int seconds = 0;
  std::from_chars(given->data(), given->data() + given->size(), seconds);
  if (seconds <= 0) return std::nullopt;
  return std::chrono::seconds(std::max(2, seconds));
}

// The addresses of a host, except the one that was tried.
std::vector<std::string> other_addresses(const Host& host) {
  std::vector<std::string> others;
  const bool is_socket = host.host.empty() || host.host[0] == '/' || host.host[0] == '@';
  if (is_socket || host.host == host.address) return others;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.host.c_str(), nullptr, &hints, &found) != 0) return others;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    char text[NI_MAXHOST];
    const int failed =
        getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    const bool known =
        host.address == text || std::find(others.begin(), others.end(), text) != others.end();
    if (failed == 0 && !known) others.emplace_back(text);
  }
  freeaddrinfo(found);
  return others;
}

// Waits until the socket is ready, or there is a reason to stop.
Progress wait(PGconn* session, PostgresPollingStatusType status, const Attempt& attempt,
              std::optional<Clock::time_point> deadline) {
  const short direction = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  for (;;) {
    int left = -1;
    if (deadline) {
      const auto span = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now());
      left = static_cast<int>(std::max<std::int64_t>(0, span.count()));
    }
    pollfd ready[2] = {{PQsocket(session), direction, 0}, {attempt.descriptor(), POLLIN, 0}};
    const int count = poll(ready, 2, left);
    if (attempt.cancelled()) return Progress::cancelled;
    if (count > 0) return Progress::open;
    if (count == 0) return Progress::silent;
    if (errno != EINTR) return Progress::failed;
  }
}

Progress connect(PGconn* session, Attempt& attempt,
                 std::optional<std::chrono::milliseconds> limit) {
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  std::optional<Host> current;
  std::optional<Clock::time_point> deadline;
  while (PQstatus(session) != CONNECTION_BAD && status != PGRES_POLLING_OK) {
    if (const Host now = tried(session); now != current) {
      current = now;
      if (limit) deadline = Clock::now() + *limit;
      attempt.set_waits_for("waiting for " + now.text());
    }
    const Progress progress = wait(session, status, attempt, deadline);
    if (progress != Progress::open) return progress;
    status = PQconnectPoll(session);
  }
  return PQstatus(session) == CONNECTION_OK ? Progress::open : Progress::failed;
}

Failure silence(const std::string& who, const Failure& others) {
  const std::string rest = others.message.empty() ? "" : "; " + others.message;
  return lost(others ? others.code : make_error_code(Error::unavailable),
              "no answer in time from " + who + rest, others.state);
}

void append(std::string& list, const std::string& item) {
  list += (list.empty() ? "" : ", ") + item;
}

}  // namespace

Attempt::Attempt() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::system_category(), "eventfd");
  waits_for_ = "looking up names or reading files";
}

Attempt::~Attempt() { close(descriptor_); }

void Attempt::cancel() {
  cancelled_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
}

std::string Attempt::waits_for() const {
  const std::lock_guard lock(mutex_);
  return waits_for_;
}

void Attempt::set_waits_for(std::string what) {
  const std::lock_guard lock(mutex_);
  waits_for_ = std::move(what);
}

bool wait_for_input(PGconn* session, const Attempt& attempt, Clock::time_point deadline) {
  return wait(session, PGRES_POLLING_READING, attempt, deadline) == Progress::open;
}

Opened open_session(const ConnectOptions& options, Attempt& attempt) {
  ConnectList list = options.list();
  std::string silent;
  std::string all;
  for (;;) {
    Session session = start_connecting(list);
    const ConnectList known = resolved(session.get());
    HostList hosts(known);
    if (all.empty()) all = hosts.text();
    const auto limit = time_limit(known, options.connect_timeout());
    const Progress progress = connect(session.get(), attempt, limit);
    std::string server = tried(session.get()).text();
    if (progress == Progress::open) return {std::move(session), {}, std::move(server)};
    if (progress == Progress::cancelled) return {{}, Error::stopped, all};
    if (progress == Progress::failed) {
      Failure failure = failure_of(session.get());
      if (!silent.empty()) failure = silence(silent, failure);
      return {{}, std::move(failure), all};
    }
    const Host host = tried(session.get());
    append(silent, host.text());
    session.reset();
    attempt.set_waits_for("looking up " + host.host);
    hosts.leave_out(host, other_addresses(host));
    if (hosts.empty()) return {{}, silence(silent, {}), all};
    list = known;
    hosts.put_into(list);
  }
}

}  // namespace postoffice::postgres
