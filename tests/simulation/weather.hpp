// How the world treats the process at the moment. Percentages, drawn anew now and then.
#pragma once

#include <cstdint>
#include <random>

namespace postoffice::simulation {

/// Every choice of a history comes from here: one seed, one history.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  std::uint64_t operator()(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + (*this)(most - least + 1);
  }
  bool percent(int share) { return static_cast<int>((*this)(100)) < share; }
  bool permille(int share) { return static_cast<int>((*this)(1000)) < share; }
  std::uint64_t number() { return random_(); }

 private:
  std::mt19937_64 random_;
};

struct Weather {
  int source_failing = 0;            ///< fetches that end without an answer
  int source_missing = 0;            ///< objects the source does not know
  bool source_hangs = false;         ///< every fetch runs into its time-out
  bool source_failing_some = false;  ///< every third id gets an error, at once
  int source_service = 0;   ///< ms: one after the other, also those that nobody waits for any more
  int store_failing = 0;    ///< transactions that fail
  int store_ambiguous = 0;  ///< of those: were carried out nevertheless
  int store_slow = 0;       ///< transactions that take up to two seconds
  int store_row_cost = 0;   ///< microseconds that a row of a transaction takes
  int rows_refused = 0;     ///< ids whose rows the store refuses, or that somebody has locked
  bool letters_refused = false;  ///< … and their dead letters
  int disk_failing = 0;          ///< per mille of the steps: the next sync fails
};

/// Most of the time something is wrong, but rarely everything.
inline Weather draw_weather(Chance& chance) {
  Weather weather;
  const auto share = [&](int likely) {
    return chance.percent(likely) ? static_cast<int>(chance(101)) : 0;
  };
  weather.source_failing = share(50);
  weather.source_missing = chance.percent(25) ? static_cast<int>(chance(30)) : 0;
  weather.source_hangs = chance.percent(8);
  weather.source_failing_some = chance.percent(10);
  weather.source_service = chance.percent(15) ? static_cast<int>(chance(100)) : 0;
  weather.store_failing = share(30);
  weather.store_ambiguous = share(50);
  weather.store_slow = share(30);
  weather.rows_refused = chance.percent(30) ? static_cast<int>(chance(6)) : 0;
  weather.letters_refused = chance.percent(30);
  weather.disk_failing = chance.percent(25) ? static_cast<int>(chance(40)) : 0;
  return weather;
}

}  // namespace postoffice::simulation
