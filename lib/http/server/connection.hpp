// One client's connection: bytes in, requests to the service, responses out in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/server/request_reader.hpp"
#include "http/server/service.hpp"
#include "net/poller.hpp"

namespace postoffice::http {

class ServerLoop;

/// Lives on its loop's thread and is deleted by the loop.
class Connection final : public net::Pollable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Connection(ServerLoop& loop, int socket);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_events(std::uint32_t events) override;

  /// `exchange.text` is complete. What can be sent is, at the end of the loop's batch.
  void answer(Exchange& exchange);
  /// Answers with a problem document.
  void answer_problem(Exchange& exchange, int status, std::string_view detail,
                      std::string_view raw_fields = {});
  /// What the response's head must say about the connection.
  Persistence persistence_of(Exchange& exchange);

  /// For those who make responses: the time of this batch, the Date field, and the field that says
  /// for how long the connection stays.
  Time now() const;
  std::string_view date();
  std::string_view keep_alive() const;

  /// Writes what is ready and goes on reading if that was waiting.
  void flush();
  void check_deadline(Time now);
  /// Takes no request that has not begun to arrive.
  void begin_stop();
  /// Ends it now.
  void close();

  /// What it waits for when it is new.
  std::uint32_t interest() const { return interest_; }

  bool flush_wanted = false;  ///< is on the loop's list
  std::size_t position = 0;   ///< in the loop's list of connections

 private:
  enum class Phase : unsigned char { idle, head, body, lingering, closed };

  /// What came of one read: nothing (or the end), less than the buffer takes, or as much.
  enum class Read { nothing, short_of_it, filled };

  void read_all(bool to_the_end);
  Read read_some();
  Read drop_some();
  void on_end_of_input();
  std::size_t process(std::string_view bytes);
  std::size_t drop_empty_lines(std::string_view bytes);
  void acknowledge_at_once();
  bool process_one(std::string_view bytes, std::size_t& used);
  void proceed();
  void dispatch(bool complete);
  void refuse(int status, std::string_view detail);
  Exchange& begin_exchange();
  void keep(std::string_view rest);
  void drop_pending(std::size_t count);
  void resume_reading();
  void advance_phase();
  bool send_unsent();
  void begin_linger();
  bool may_read() const;
  void update_interest();

  ServerLoop& loop_;
  int socket_;
  Phase phase_ = Phase::idle;
  bool stop_reading_ = false;  // no request is taken any more
  bool input_ended_ = false;   // the client has finished sending
  bool stopping_ = false;
  bool held_back_ = false;  // complete requests may wait in `pending_`
  std::uint32_t interest_;
  unsigned char empty_lines_ = 0;  // dropped since the last request
  std::size_t unanswered_ = 0;
  std::size_t sent_ = 0;
  std::size_t dropped_ = 0;
  Time request_begun_;
  Time phase_begun_;
  Time send_progress_;
  Time stop_begun_;
  Exchange* first_ = nullptr;  // the exchanges under way, oldest first
  Exchange* last_ = nullptr;
  std::string pending_;  // bytes of a request that is not complete
  std::string unsent_;
  RequestReader reader_;
};

}  // namespace postoffice::http
