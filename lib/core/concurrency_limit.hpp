// How many fetches the source can take at a time, found out from what it answers.
#pragma once

#include <cstddef>

#include "core/answer_rate.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Grows by answers and shrinks by losses and by lateness.
///
/// Losses are connections that fail, 429 and 503, and time-outs of fetches that later ones have
/// overtaken. Growth doubles the limit in one mean latency until the first loss. After a loss it is
/// additive, a 64th in one mean latency, and doubles again once a mean latency has passed without.
/// Every loss takes away its own slot. So if a source refuses what is too much for it, the limit
/// shrinks to exactly what the source takes.
///
/// A source that refuses nothing queues what is too much for it, and answers later and later. So no
/// more may be in flight than it answers in half of the timeout (Little's law); a fetch that begins
/// now is then answered in half of the timeout. It is taken for a queue only if answers come late,
/// or if no fetch that began later was answered earlier; otherwise ids that hang would count. And
/// it must last for a while before it counts, since a burst is in flight at once and is answered
/// over one latency.
///
/// How long one fetch takes by itself is known from those that begin with few others in flight. A
/// queue of four times that is long enough for any number of workers, and keeps new fetches from
/// waiting behind old ones. If a source takes longer than half of the timeout even then, it may
/// have a queue of one and a half times that: otherwise the limit and the answers would shrink, but
/// the latency would not.
///
/// Some losses say nothing about the source. Each further loss of an id in a row weighs half of the
/// one before, and one loss in 32 answers is forgiven. So ids that fail do not slow others down.
class ConcurrencyLimit {
 public:
  static constexpr std::size_t least = 4;
  /// The pause between fetches while everything is refused at the lowest limit.
  static constexpr Duration refused_pause = std::chrono::milliseconds(100);

  ConcurrencyLimit(std::size_t first, Duration timeout);

  /// The rate of answers is still looked at over the same time as before.
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  /// The limit below the configured one.
  std::size_t under(std::size_t ceiling) const;

  /// `reached`: fetches wait for a slot. Only a limit that is reached may grow. One that is not
  /// reached for a whole timeout shrinks to twice of what is used: what the source took then, it
  /// may not take now.
  void reached(bool reached, std::size_t in_flight, Timestamp now);

  /// The work that the source has, including abandoned fetches.
  struct Load {
    std::size_t in_flight = 0;
    std::size_t in_line = 0;  ///< … and has not been overtaken by an answer to a later one
  };

  /// `alone`: few were in flight when the fetch began.
  void answered(Duration latency, bool alone, Load load, std::size_t ceiling, Timestamp now);
  /// An answer that cannot be used, but is not a loss either.
  void failed(Load load, std::size_t ceiling, Timestamp now);

  /// `failures`: how often this id had failed in a row before.
  void lost(int failures, Timestamp now);

  /// A fetch has timed out, and nothing that began later has been answered.
  void late(Timestamp now);

  /// The breaker has opened. The limit is then what was answered in the last second.
  void nobody_answers(Timestamp now);

  /// No fetch begins before this time.
  Timestamp held_until() const { return held_until_; }

  /// Answers a second.
  double rate(Timestamp now) { return rate_.a_second(now); }

 private:
  static constexpr double additive = 1.0 / 64;
  static constexpr double forgiven_per_answer = 1.0 / 32;
  static constexpr double forgiven_at_once = 2;

  /// Latencies of fetches that began with few others: a running mean.
  struct Alone {
    static constexpr int enough = 16;
    void add(Duration latency);
    int count = 0;
    Duration mean{};
  };

  /// The mean latency, or something like it.
  Duration period() const;
  double forgiven() const;
  double served_in_time(Timestamp now);
  Duration longest_line() const;
  void heard(Load load, Timestamp now);
  bool crowded_for(Duration span, Timestamp now) const;
  bool tried_out(Load load) const;
  void shrink_to(double limit, Timestamp now);

  const double first_;
  Duration timeout_;
  double limit_;
  AnswerRate rate_;
  double weight_ = 0;  // of the losses not forgiven yet
  bool reached_ = false;
  Timestamp last_reached_{};
  Duration latency_{};
  Alone alone_;
  Timestamp last_loss_{};
  Timestamp halved_weight_{};
  Timestamp held_until_{};
  Timestamp crowded_since_ = Timestamp::max();  // more in flight than is answered in time
};

}  // namespace postoffice::core
