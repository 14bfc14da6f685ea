// Records what happened: totals for people, and a file for programs.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tester {

/// Microseconds since the epoch.
std::int64_t wall_clock();

/// The same for people: "22:56:33.390", local time.
std::string time_of_day();

/// Counted by the sender and the source, each on its own thread.
struct Totals {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> accepted{0};  ///< 2xx
  std::atomic<std::uint64_t> refused{0};   ///< any other status
  std::atomic<std::uint64_t> failed{0};    ///< no connection, or a broken one
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> requests{0};  ///< to the source
  std::atomic<std::uint64_t> answered{0};  ///< by the source, whatever the status

  std::uint64_t lost() const { return refused + failed + timed_out; }
  std::string text() const;
};

/// A file with one JSON object per line:
///   {"sent_at":µs,"accepted_at":µs,"receipt":"…","ids":[…]}     a callback that was accepted
///   {"sent_at":µs,"lost_at":µs,"status":503,"lost_ids":[…]}     one that was not; status 0: no
///   answer
///   {"fetch":id,"at":µs,"status":200}                            a request to the source, when it
///                                                                came; status 0: not answered
class Record {
 public:
  /// Without a path nothing is written. Throws std::runtime_error if the file cannot be opened.
  explicit Record(const std::string& path);

  void accepted(std::int64_t sent_at, std::int64_t accepted_at, const std::string& receipt,
                const std::vector<std::int64_t>& ids);
  void lost(std::int64_t sent_at, std::int64_t lost_at, int status,
            const std::vector<std::int64_t>& ids);
  void fetch(std::int64_t id, std::int64_t at, int status);
  void flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void write(const std::string& line);

  std::mutex mutex_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace tester
