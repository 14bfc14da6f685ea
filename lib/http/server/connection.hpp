// One client's connection: bytes in, requests to the service, responses out in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/server/client_socket.hpp"
#include "http/server/connection_context.hpp"
#include "http/server/connection_phase.hpp"
#include "http/server/request_input.hpp"
#include "http/server/response_queue.hpp"
#include "net/poller.hpp"

namespace postoffice::http {

/// Lives on its loop's thread and is deleted by the loop.
class Connection final : public net::Pollable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Connection(ConnectionContext& context, int socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_events(std::uint32_t events) override;

  /// Call it when `exchange.text` is complete. It is sent at the end of the loop's batch, as far as
  /// possible.
  void answer(Exchange& exchange);
  /// Answers with a problem document.
  void answer_problem(Exchange& exchange, int status, std::string_view detail,
                      std::string_view raw_fields = {});
  /// What the response's head must say about the connection.
  Persistence persistence_of(Exchange& exchange);

  /// For responses: the time of this batch, the Date field, and the field that says how long the
  /// connection stays open.
  Time now() const { return context_.now; }
  std::string_view date() { return context_.date.text(context_.now); }
  std::string_view keep_alive() const { return context_.keep_alive; }

  /// Writes what is ready, and resumes reading if that was waiting.
  void flush();
  void check_deadline(Time now);
  /// Takes no more requests, except those that have begun to arrive.
  void begin_stop();
  /// Ends it now.
  void close();

  /// The events that a new connection waits for.
  std::uint32_t interest() const { return socket_.interest(); }

  std::size_t position = 0;  ///< in the loop's list of connections

 private:
  using Phase = ConnectionPhase::Phase;

  /// The result of one read: nothing (or the end), less than the buffer holds, or a full buffer.
  enum class Read { nothing, short_of_it, filled };

  // Bytes and phases: connection.cpp.
  void read_all(bool to_the_end);
  Read read_some();
  void receive(std::string_view bytes);
  void drop(std::string_view bytes);
  void on_end_of_input();
  void advance_phase();
  void begin_linger();
  bool is_full() const;
  bool may_read() const;
  void want_flush();
  void update_interest();

  // Requests and responses: connection_requests.cpp.
  void keep(std::string_view rest);
  void process_kept();
  std::size_t process(std::string_view bytes);
  bool process_one(std::string_view bytes, std::size_t& used);
  void proceed();
  void dispatch(bool complete);
  void refuse(int status, std::string_view detail);
  void refuse(Reply reply, std::string_view detail);
  Exchange& begin_exchange();

  ConnectionContext& context_;
  ClientSocket socket_;
  bool stop_reading_ = false;  // no more requests are taken
  bool input_ended_ = false;   // the client has finished sending
  bool held_back_ = false;     // complete requests may be kept in `input_`
  bool flush_wanted_ = false;  // it is on the loop's list
  std::size_t dropped_ = 0;    // while lingering
  ConnectionPhase phase_;
  RequestInput input_;
  ResponseQueue responses_;
};

}  // namespace postoffice::http
