#include "support/flush_times.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace postofficed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t block = 4096;
constexpr std::size_t flushes_max = 500;

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

/// Empty if something fails; errno says what.
std::vector<Clock::duration> measure(const std::string& path, std::chrono::milliseconds time_max) {
  const OpenFile file(path);
  if (!file.write(std::vector<char>(block * flushes_max), 0) || !file.sync()) return {};
  std::vector<Clock::duration> times;
  const std::vector<char> data(block, 'x');
  const auto end = Clock::now() + time_max;
  while (times.size() < flushes_max && (times.empty() || Clock::now() < end)) {
    const auto begun = Clock::now();
    if (!file.write(data, times.size() * block) || !file.sync()) return {};
    times.push_back(Clock::now() - begun);
  }
  return times;
}

}  // namespace

FlushTimes::FlushTimes(std::vector<Duration> times) : sorted_(std::move(times)) {
  std::sort(sorted_.begin(), sorted_.end());
}

Result<FlushTimes> measure_flushes(const std::string& path, std::chrono::milliseconds time_max) {
  auto times = measure(path, time_max);
  const auto error = std::error_code(errno, std::system_category());
  (void)::unlink(path.c_str());
  if (times.empty()) return Failure(error);
  return FlushTimes(std::move(times));
}

}  // namespace postofficed
