#include "postgres/pooler.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <utility>

#include "postgres/blocking.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

using namespace std::chrono_literals;

// Beside busy clients a session may by chance meet the same server twice, but not so often.
constexpr int rounds = 4;

constexpr auto limit_of_check = 2s;

// A number may come again, on another server even; the instant at which the process began does not.
constexpr const char* who_serves =
    "SELECT pid || ' since ' || backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";

Failure refused() {
  return {.code = Error::bad_options,
          .message =
              "a pooler between this program and the server gives the server's session to "
              "others between transactions (PgBouncer: pool_mode transaction or statement); "
              "connect to the server itself, or through a pool in session mode",
          .reconnect = true};
}

// One look. `shared` says that both were given the same session of the server, or one was given
// two. A failure of `other` says nothing, but that it cannot have a transaction.
Failure look(PGconn* session, PGconn* other, Deadline deadline, bool& shared) {
  std::string before, beside, inside, after, ignored;
  if (auto failure = ask(session, who_serves, deadline, before)) return failure;
  if (ask(other, who_serves, deadline, beside)) return {};
  if (const auto failure = ask(other, "BEGIN", deadline, ignored)) {
    shared = failure.code != Error::timed_out;
    return {};
  }
  // Whoever lent it out between transactions now has one session less to lend.
  if (ask(other, who_serves, deadline, inside)) return {};
  if (auto failure = ask(session, who_serves, deadline, after)) return failure;
  shared = before != after || before == beside || after == inside;
  if (before == inside) shared = true;
  ask(other, "ROLLBACK", deadline, ignored);
  return {};
}

}  // namespace

bool is_behind_pooler(PGconn* session, const std::string& answer) {
  return answer != std::to_string(PQbackendPID(session));
}

Failure check_pooler(PGconn* session, const ConnectOptions& options,
                     std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::string process;
  if (auto failure = ask(session, server_process, deadline, process)) return failure;
  if (!is_behind_pooler(session, process)) return {};
  const Session other = options.same_server(session).begin();
  if (finish_connecting(other.get(), deadline)) return {};
  for (int round = 0; round < rounds; ++round) {
    bool shared = false;
    Failure failure = look(session, other.get(), deadline, shared);
    if (shared) return refused();
    if (failure) return failure;
  }
  return {};
}

struct PoolerCheck::Shared {
  Session session;
  Failure failure;
  std::array<int, 2> pipe{-1, -1};

  ~Shared() {
    for (const int descriptor : pipe) {
      if (descriptor >= 0) close(descriptor);
    }
  }
};

// The thread ends within the check's limit, or libpq's for a name; nobody waits for it.
PoolerCheck::PoolerCheck(Session session, const ConnectOptions& options)
    : shared_(std::make_shared<Shared>()) {
  shared_->session = std::move(session);
  if (pipe2(shared_->pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  std::thread([shared = shared_, options] {
    shared->failure = check_pooler(shared->session.get(), options, limit_of_check);
    [[maybe_unused]] const auto written = write(shared->pipe[1], "", 1);
  }).detach();
}

PoolerCheck::~PoolerCheck() = default;

int PoolerCheck::descriptor() const { return shared_->pipe[0]; }

Session PoolerCheck::take(Failure& failure) {
  char byte = 0;
  // Reading it orders what the thread has written before what is read here.
  [[maybe_unused]] const auto got = read(shared_->pipe[0], &byte, 1);
  failure = shared_->failure;
  return std::move(shared_->session);
}

}  // namespace postoffice::postgres
