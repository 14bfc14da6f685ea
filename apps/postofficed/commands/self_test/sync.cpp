#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include "commands/self_test/checks.hpp"
#include "support/text.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t block = 4096;
constexpr std::size_t syncs_max = 500;
constexpr auto time_max = 2s;
constexpr auto plausible = 20us;  // no storage that keeps anything is faster than that
constexpr auto slow = 100ms;      // then a sender's second is soon over

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  bool write(const std::vector<char>& data, std::size_t at) const {
    const auto count = ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(at));
    if (count >= 0) errno = ENOSPC;  // should less than all have been written
    return count == static_cast<ssize_t>(data.size());
  }
  bool sync() const { return ::fdatasync(descriptor_) == 0; }

 private:
  const int descriptor_;
};

/// As the queue flushes: one block after another of a file that is there in full, each synced.
/// Empty if something fails; errno says what.
std::vector<Clock::duration> measure(const std::string& path) {
  const OpenFile file(path);
  if (!file.write(std::vector<char>(block * syncs_max), 0) || !file.sync()) return {};
  std::vector<Clock::duration> times;
  const std::vector<char> data(block, 'x');
  const auto end = Clock::now() + time_max;
  while (times.size() < syncs_max && (times.empty() || Clock::now() < end)) {
    const auto begun = Clock::now();
    if (!file.write(data, times.size() * block) || !file.sync()) return {};
    times.push_back(Clock::now() - begun);
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::string in_milliseconds(Clock::duration time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3f ms",
                std::chrono::duration<double, std::milli>(time).count());
  return text;
}

}  // namespace

Finding check_sync(const std::string& directory) {
  const auto path = directory + "/sync";
  const auto times = measure(path);
  const auto error = std::error_code(errno, std::system_category());
  (void)::unlink(path.c_str());
  using Result = Finding::Result;
  if (times.empty()) return {Result::failed, "cannot write and sync: " + error.message()};
  const auto median = times[times.size() / 2];
  const auto p99 = times[times.size() * 99 / 100];
  const auto text = counted(times.size(), "block") + " written and synced: median " +
                    in_milliseconds(median) + ", 99 % within " + in_milliseconds(p99);
  if (median < plausible) {
    return {Result::warning, text + ": implausibly fast; syncs may not reach stable storage"};
  }
  if (p99 > slow) return {Result::warning, text + ": slow; senders will notice"};
  return {Result::ok, text};
}

}  // namespace postofficed::self_test
