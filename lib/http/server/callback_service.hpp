// Handles the ingress's requests: passes callbacks to the queue, and refuses everything else.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server/answer_times.hpp"
#include "http/server/callback_json.hpp"
#include "http/server/completions.hpp"
#include "http/server/service.hpp"
#include "postoffice/ingress.hpp"

namespace postoffice::http {

struct CallbackLimits {
  std::string path;
  std::size_t ids_max = 0;           ///< of a callback; more are 413. Its number is in the options
  std::size_t awaited_max = 65'536;  ///< callbacks of one loop that the queue has not answered
  std::chrono::milliseconds accept_timeout{800};
  std::function<std::string()> why_not;    ///< text after the error of a callback, if not empty
  std::function<std::string()> not_ready;  ///< answers /readyz; empty: no such page here
};

class CallbackService final : public Service {
 public:
  /// `wake`: see Completions.
  CallbackService(CallbackLimits limits, Ingress::Accept accept, std::function<void()> wake);
  ~CallbackService() override;

  void set_loop_thread(std::thread::id id) { completions_.set_loop_thread(id); }
  /// From any thread.
  const ResponseCounts& counts() const { return counts_; }
  Histogram durations() const { return times_.durations(); }
  /// On the loop's thread: from now on neither `accept` nor the functions in the limits are called.
  void call_nobody() { calls_nobody_ = true; }

  Exchange* acquire() override;
  void release(Exchange& exchange) override;
  bool wants_body(const Request& head) override;
  void handle(Exchange& exchange, const Request& request) override;
  void refused(Reply reply) override { counts_.add(reply); }
  void batch_done() override;
  void batch_sent() override { times_.batch_sent(); }
  void tick(std::chrono::steady_clock::time_point now) override;

 private:
  void accept_callback(Ticket& ticket);
  void answer_elsewhere(Ticket& ticket, const Request& request);
  void answer_ready(Ticket& ticket);
  std::string why_not() const;
  std::string not_stored(std::error_code error) const;
  void complete(Ticket& ticket);
  void answer_accepted(Ticket& ticket);
  void handle_callback(Ticket& ticket, const Request& request);
  void answer_problem(Ticket& ticket, Reply reply, std::string_view detail,
                      std::string_view raw_fields = {});
  void watch(Ticket& ticket);
  void unwatch(Ticket& ticket);
  void recycle(Ticket& ticket);

  const CallbackLimits limits_;
  const Ingress::Accept accept_;
  Completions& completions_;  // deletes itself
  CallbackParser parser_;
  ResponseCounts counts_;
  AnswerTimes times_;
  std::vector<Ticket*> free_;
  bool calls_nobody_ = false;
  std::size_t awaited_ = 0;
  Ticket* oldest_ = nullptr;  // the tickets whose deadline is watched
  Ticket* newest_ = nullptr;
};

}  // namespace postoffice::http
