// Sender, source and reader around a running postofficed with a PostgreSQL store.
//
//   end_to_end_bench CONNINFO SOURCE_PORT CALLBACK_PORT visible CALLBACKS IDS
//     One callback after the other, with ids that are new and answers that take 20 to 80 ms. Prints
//     the time from the callback's slowest answer until a reader of the database sees all rows.
//   end_to_end_bench … know KNOWN IDS
//     Makes ids 0 to KNOWN - 1 known, so many in a callback.
//   end_to_end_bench … load KNOWN IDS CALLBACKS
//     Callbacks with random ids of those, each fetched and stored before the next is sent.
#include <libpq-fe.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "http/server/http_server.hpp"
#include "support/http_client.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using postoffice::HttpServer;

/// Answers for every object, each in its own time, and knows when it last did.
class Source {
 public:
  Source(int port, std::chrono::milliseconds least, std::chrono::milliseconds most)
      : least_(least),
        most_(most),
        server_(loop_, options(port),
                [this](const postoffice::HttpRequest& request, HttpServer::Respond respond) {
                  answer_later(request.path, std::move(respond));
                }) {
    loop_.start();
    if (const auto error = server_.start()) throw std::runtime_error(error.message());
    answering_ = std::thread([this] { answer_in_time(); });
  }
  ~Source() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    answering_.join();
    server_.stop();
  }

  /// Waits for the answer with this number, the first being 1; the time when it was given.
  Clock::time_point await(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    const auto enough = [&] { return answered_ >= number; };
    if (!changed_.wait_for(lock, std::chrono::seconds(30), enough)) {
      throw std::runtime_error("the daemon does not fetch");
    }
    return last_;
  }

  std::uint64_t answered() const {
    const std::lock_guard lock(mutex_);
    return answered_;
  }

 private:
  struct Waiting {
    Clock::time_point due;
    std::string id;
    HttpServer::Respond respond;
    bool operator<(const Waiting& other) const { return due > other.due; }
  };

  static postoffice::HttpServerOptions options(int port) {
    postoffice::HttpServerOptions made;
    made.listen = "127.0.0.1:" + std::to_string(port);
    return made;
  }

  static void give(const std::string& id, const HttpServer::Respond& respond) {
    postoffice::HttpResponse response;
    response.body = "{\"id\":" + id + ",\"online\":true}";
    respond(std::move(response));
  }

  void answer_later(const std::string& path, HttpServer::Respond respond) {
    std::string id = path.substr(path.rfind('/') + 1);
    if (most_.count() == 0) {
      give(id, respond);
      const std::lock_guard lock(mutex_);
      note();
      return;
    }
    std::uniform_int_distribution<long> delay(least_.count() * 1000, most_.count() * 1000);
    const std::lock_guard lock(mutex_);
    waiting_.push({Clock::now() + std::chrono::microseconds(delay(random_)), std::move(id),
                   std::move(respond)});
    changed_.notify_all();
  }

  void note() {
    ++answered_;
    last_ = Clock::now();
    changed_.notify_all();
  }

  void answer_in_time() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (waiting_.empty()) {
        changed_.wait(lock);
      } else if (waiting_.top().due > Clock::now()) {
        changed_.wait_until(lock, waiting_.top().due);
      } else {
        const Waiting next = waiting_.top();
        waiting_.pop();
        note();  // before it is on its way, so that no time is left out
        lock.unlock();
        give(next.id, next.respond);
        lock.lock();
      }
    }
  }

  const std::chrono::milliseconds least_;
  const std::chrono::milliseconds most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::priority_queue<Waiting> waiting_;
  std::mt19937_64 random_{1};
  std::uint64_t answered_ = 0;
  Clock::time_point last_;
  bool stopping_ = false;
  std::thread answering_;
  postoffice::EventLoop loop_;
  HttpServer server_;
};

/// Reads rows as any client of the database does.
class Reader {
 public:
  explicit Reader(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    check(PQprepare(connection_.get(), "count",
                    "SELECT count(*) FROM objects WHERE id BETWEEN $1 AND $2", 2, nullptr));
  }

  long count(long first, long last) {
    const std::string texts[] = {std::to_string(first), std::to_string(last)};
    const char* values[] = {texts[0].c_str(), texts[1].c_str()};
    return std::atol(
        check(PQexecPrepared(connection_.get(), "count", 2, values, nullptr, nullptr, 0)).c_str());
  }

 private:
  std::string check(PGresult* raw) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(raw, &PQclear);
    const auto status = PQresultStatus(raw);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      throw std::runtime_error(PQerrorMessage(connection_.get()));
    }
    return PQntuples(raw) > 0 ? PQgetvalue(raw, 0, 0) : "";
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

void send(test::HttpClient& sender, const std::vector<long>& ids) {
  std::string body = "{\"object_ids\":[";
  for (const long id : ids) body += std::to_string(id) + ",";
  body.back() = ']';
  if (sender.exchange(test::callback(body + "}")).status != 202) {
    throw std::runtime_error("a callback was not accepted");
  }
}

std::vector<long> in_a_row(long first, long count) {
  std::vector<long> ids;
  for (long id = first; id < first + count; ++id) ids.push_back(id);
  return ids;
}

void await_rows(Reader& reader, long first, long count) {
  const auto deadline = Clock::now() + std::chrono::seconds(30);
  while (reader.count(first, first + count - 1) < count) {
    if (Clock::now() > deadline) throw std::runtime_error("rows are missing");
  }
}

void visible(Source& source, Reader& reader, test::HttpClient& sender, long callbacks, long ids) {
  for (long n = 0; n < callbacks; ++n) {
    send(sender, in_a_row(n * ids, ids));
    const auto slowest = source.await(static_cast<std::uint64_t>((n + 1) * ids));
    await_rows(reader, n * ids, ids);
    const std::chrono::duration<double, std::milli> took = Clock::now() - slowest;
    std::printf("visible %.3f ms\n", took.count());
  }
}

void know(Reader& reader, test::HttpClient& sender, long known, long ids) {
  for (long first = 0; first < known; first += ids) {
    send(sender, in_a_row(first, ids));
    // Never far ahead, so that the measuring begins with nothing left to do.
    if (first >= 20 * ids) await_rows(reader, first - 20 * ids, ids);
  }
  await_rows(reader, 0, known);
}

void load(Source& source, test::HttpClient& sender, long known, long ids, long callbacks) {
  std::mt19937_64 random(static_cast<std::uint64_t>(known));
  for (long n = 0; n < callbacks; ++n) {
    // One id of each part of the range, so that all are different.
    std::vector<long> chosen;
    const long part = known / ids;
    for (long i = 0; i < ids; ++i) {
      chosen.push_back(i * part + static_cast<long>(random() % static_cast<std::uint64_t>(part)));
    }
    const auto before = source.answered();
    send(sender, chosen);
    source.await(before + static_cast<std::uint64_t>(ids));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::printf("callbacks %ld\n", callbacks);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 4 ? argv[4] : "";
  const bool good = argc == 7 ? what == "visible" || what == "know" : argc == 8 && what == "load";
  if (!good) {
    std::fprintf(stderr,
                 "usage: end_to_end_bench CONNINFO SOURCE_PORT CALLBACK_PORT "
                 "visible CALLBACKS IDS | know KNOWN IDS | load KNOWN IDS CALLBACKS\n");
    return 64;
  }
  try {
    const std::chrono::milliseconds most(what == "visible" ? 80 : 0);
    Source source(std::atoi(argv[2]), std::chrono::milliseconds(20), most);
    Reader reader(argv[1]);
    test::HttpClient sender(static_cast<std::uint16_t>(std::atoi(argv[3])));
    const long first = std::atol(argv[5]);
    const long second = std::atol(argv[6]);
    if (what == "visible") visible(source, reader, sender, first, second);
    if (what == "know") know(reader, sender, first, second);
    if (what == "load") load(source, sender, first, second, std::atol(argv[7]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
