#include "sender_connection.hpp"

#include <algorithm>
#include <asio/connect.hpp>
#include <asio/write.hpp>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace tester {
namespace {

constexpr std::size_t response_bytes_max = 64 * 1024;

/// The parts of a response head that the sender needs.
struct Head {
  int status = 0;
  bool has_length = false;
  bool close = false;
  std::size_t length = 0;
  std::string receipt;
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return result;
}

Head read_head(std::string_view text) {
  Head head;
  if (text.size() > 12 && text.starts_with("HTTP/1.")) head.status = std::atoi(&text[9]);
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = lower(line.substr(0, colon));
    std::string value(line.substr(colon + 1));
    value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
    if (name == "postoffice-receipt") head.receipt = value;
    if (name == "connection") head.close = lower(value) == "close";
    if (name == "content-length") {
      head.has_length = true;
      head.length = std::strtoull(value.c_str(), nullptr, 10);
    }
  }
  return head;
}

}  // namespace

void SenderConnection::connect(const Endpoints& endpoints) {
  asio::async_connect(socket_, endpoints,
                      [self = shared_from_this()](const std::error_code& error, const auto&) {
                        if (self->closed_) return;
                        if (error) return self->end(0, {}, false);
                        std::error_code ignored;
                        self->socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
                        self->connected_ = true;
                        self->read();
                        if (self->post) self->write();
                      });
}

void SenderConnection::send(std::shared_ptr<Post> next) {
  post = std::move(next);
  post->connection = shared_from_this();
  response_.clear();
  if (connected_) write();
}

void SenderConnection::close() {
  closed_ = true;
  std::error_code ignored;
  socket_.close(ignored);
}

void SenderConnection::write() {
  // The handler keeps the request alive: the post may have timed out before it is written.
  asio::async_write(
      socket_, asio::buffer(post->request),
      [self = shared_from_this(), sending = post](const std::error_code& error, std::size_t) {
        if (error && !self->closed_) self->end(0, {}, false);
      });
}

void SenderConnection::read() {
  socket_.async_read_some(
      asio::buffer(chunk_),
      [self = shared_from_this()](const std::error_code& error, std::size_t size) {
        if (self->closed_) return;
        // A connection that ends while idle has no callback to report, and cannot be used again.
        if (error || !self->post) return self->end(0, {}, false);
        self->response_.append(self->chunk_.data(), size);
        self->received();
        if (!self->closed_) self->read();
      });
}

void SenderConnection::received() {
  if (response_.size() > response_bytes_max) return end(0, {}, false);
  const auto end_of_head = response_.find("\r\n\r\n");
  if (end_of_head == std::string::npos) return;
  const Head head = read_head(std::string_view(response_).substr(0, end_of_head));
  if (head.status >= 100 && head.status < 200) {
    response_.erase(0, end_of_head + 4);
    return received();
  }
  const std::size_t whole = end_of_head + 4 + head.length;
  if (head.has_length && response_.size() < whole) return;
  // Without a length the end of the body is not known; only the status matters.
  const bool reusable = head.has_length && !head.close && response_.size() == whole;
  end(head.status, head.receipt, reusable);
}

void SenderConnection::end(int status, const std::string& receipt, bool reusable) {
  const auto self = shared_from_this();
  if (!reusable) close();
  ended_(*this, status, receipt, reusable);
}

}  // namespace tester
