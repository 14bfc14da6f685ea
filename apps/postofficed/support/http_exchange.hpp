// Talks to a daemon without waiting for it: for whoever has to watch other things, too.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace postofficed {

struct HttpAnswer {
  int status = 0;  ///< 0: none
  std::string body;
  std::string problem;  ///< why there is none
};

struct HttpQuestion {
  std::string method = "GET";
  std::string target;
  std::string token{};  ///< sent as a bearer token, if there is one
  std::string body{};   ///< JSON
};

/// `address`: host and port.
std::string request_text(const std::string& address, const HttpQuestion& question);

/// A request for a page, with the token if there is one.
std::string get_request(const std::string& address, const std::string& path,
                        const std::string& token = {});

/// One request on a connection of its own. Call advance() whenever poll() says that descriptor() is
/// ready for events(), until it has ended.
class HttpExchange {
 public:
  /// `address`: of this machine if there is no host. Looking the host up blocks.
  HttpExchange(const std::string& address, std::string request);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  bool ended() const { return descriptor_ < 0; }
  int descriptor() const { return descriptor_; }
  short events() const;
  void advance();

  /// When it has ended. An answer that was cut off is none.
  const HttpAnswer& answer() const { return answer_; }

 private:
  struct Addresses;

  void look_up(const std::string& host, const std::string& port);
  void connect_next();
  void fail(const std::string& problem);
  void send_more();
  void receive_more();
  void close();

  std::unique_ptr<Addresses> addresses_;
  std::string unsent_;
  std::string received_;
  int descriptor_ = -1;
  bool connecting_ = false;
  HttpAnswer answer_;
};

/// Waits for an answer, so long at most.
HttpAnswer exchange(const std::string& address, std::string request,
                    std::chrono::milliseconds timeout);

}  // namespace postofficed
