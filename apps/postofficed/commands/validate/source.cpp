#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <chrono>

#include "commands/validate/trials.hpp"
#include "http/client/source_url.hpp"
#include "options/redaction.hpp"

namespace postofficed {
namespace {

using asio::ip::tcp;
constexpr std::chrono::seconds patience{5};

std::string port_of(const tcp::endpoint& endpoint) {
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

/// One connection, with a limit of time for each step.
class Attempt {
 public:
  explicit Attempt(Trial& trial) : trial_(trial) {}

  void run(const postoffice::http::SourceUrl& url) {
    const auto addresses = resolve(url);
    if (addresses.empty()) return;
    std::error_code error;
    tcp::endpoint reached;
    asio::async_connect(socket_, addresses, [&](std::error_code e, const tcp::endpoint& endpoint) {
      error = e;
      reached = endpoint;
    });
    if (!finish() || error)
      return fail(error, "connect to " + url.host + ":" + std::to_string(url.port),
                  "start the source, or correct --source");
    trial_.found = "connected to " + port_of(reached);
    ask(url);
  }

 private:
  tcp::resolver::results_type resolve(const postoffice::http::SourceUrl& url) {
    std::error_code error;
    tcp::resolver::results_type addresses;
    resolver_.async_resolve(url.host, std::to_string(url.port),
                            [&](std::error_code e, auto results) {
                              error = e;
                              addresses = results;
                            });
    if (!finish() || error) {
      fail(error, "look up " + url.host, "correct the host in --source, or the name server");
      return {};
    }
    return addresses;
  }

  // No object is fetched: any answer in HTTP shows that a server is there.
  void ask(const postoffice::http::SourceUrl& url) {
    const std::string request =
        "GET / HTTP/1.1\r\nHost: " + url.host_header + "\r\nConnection: close\r\n\r\n";
    std::error_code error;
    char answer[8]{};
    asio::async_write(socket_, asio::buffer(request), [&](std::error_code e, std::size_t) {
      error = e;
      if (e) return;
      asio::async_read(socket_, asio::buffer(answer, 7),
                       [&](std::error_code read_error, std::size_t) { error = read_error; });
    });
    const bool finished = finish();
    const bool http = finished && !error && std::string_view(answer).starts_with("HTTP/1.");
    if (http) {
      trial_.found += ", answers HTTP";
      return;
    }
    fail(error, "an HTTP answer",
         "find out what listens there: it is no HTTP/1.1 server, or hangs");
  }

  bool finish() {
    context_.restart();
    context_.run_for(patience);
    if (context_.stopped()) return true;
    socket_.close();
    resolver_.cancel();
    context_.run();
    timed_out_ = true;
    return false;
  }

  void fail(std::error_code error, const std::string& step, const std::string& next) {
    const std::string why = timed_out_ ? "nothing within 5 s"
                            : error    ? error.message()
                                       : "something else";
    trial_.result = Trial::Result::unreachable;
    trial_.found += (trial_.found.empty() ? "" : "; ") + step + ": " + why;
    trial_.next = next;
  }

  Trial& trial_;
  asio::io_context context_;
  tcp::socket socket_{context_};
  tcp::resolver resolver_{context_};
  bool timed_out_ = false;
};

}  // namespace

Trial try_source(const std::string& url) {
  Trial trial{"source", "ask " + redact(url) + " without an id", Trial::Result::ok, {}};
  Attempt(trial).run(postoffice::http::parse_source_url(url));
  return trial;
}

}  // namespace postofficed
