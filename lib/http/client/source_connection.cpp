#include "http/client/source_connection.hpp"

#include <asio/buffer.hpp>
#include <asio/error.hpp>

namespace postoffice::http {

std::error_code SourceConnection::connect() {
  std::error_code error;
  socket_.open(endpoint_.protocol(), error);
  if (!error) socket_.non_blocking(true, error);
  if (error) return error;
  socket_.async_connect(endpoint_, [self = shared_from_this()](const std::error_code& result) {
    self->events_->connect_ended(*self, result);
  });
  return {};
}

std::error_code SourceConnection::establish() {
  std::error_code error;
  // Without a listener, TCP may connect a port of the local range to itself.
  if (socket_.local_endpoint(error) == endpoint_) return asio::error::connection_refused;
  if (!error) socket_.set_option(asio::ip::tcp::no_delay(true), error);
  return error;
}

void SourceConnection::wait() {
  socket_.async_wait(asio::socket_base::wait_read,
                     [self = shared_from_this()](const std::error_code& error) {
                       if (error != asio::error::operation_aborted) self->events_->readable(*self);
                     });
}

std::error_code SourceConnection::send(std::string_view bytes) {
  std::error_code error;
  const std::size_t sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
  // A request is far smaller than an empty send buffer; a connection that cannot take it is ill.
  if (!error && sent != bytes.size()) error = asio::error::no_buffer_space;
  return error;
}

std::size_t SourceConnection::read(std::span<char> buffer, std::error_code& error) {
  return socket_.read_some(asio::buffer(buffer.data(), buffer.size()), error);
}

void SourceConnection::close() {
  closed_ = true;
  std::error_code ignored;
  socket_.close(ignored);
}

}  // namespace postoffice::http
