// The floor under the journal: a bare loop of pwrite and fdatasync on a preallocated file whose
// blocks were written before, or ("growing") at the end of an empty file. Prints flushes a second
// and percentiles. A delay is added to each flush as Workers::flush_delay of lib/journal does.
//
//   floor_fdatasync [directory] [bytes a flush] [seconds] [delay in microseconds] [growing]
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t file_size = 64 << 20;

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::exit(1);
}

void write_zeros(int file) {
  const std::vector<char> zeros(1 << 20);
  for (std::size_t at = 0; at < file_size; at += zeros.size()) {
    check(::pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(at)) ==
              static_cast<ssize_t>(zeros.size()),
          "pwrite");
  }
  check(::fsync(file) == 0, "fsync");
}

}  // namespace

int main(int argc, char** argv) {
  using Clock = std::chrono::steady_clock;
  const std::string directory = argc > 1 ? argv[1] : ".";
  const auto bytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 4096;
  const auto seconds = argc > 3 ? std::strtod(argv[3], nullptr) : 2.0;
  const auto delay = std::chrono::microseconds(argc > 4 ? std::atol(argv[4]) : 0);
  const bool growing = argc > 5 && std::string(argv[5]) == "growing";
  const auto path = directory + "/floor_fdatasync.tmp";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(file >= 0 && bytes > 0 && bytes <= file_size, "open");
  check(::unlink(path.c_str()) == 0, "unlink");
  if (!growing) write_zeros(file);
  const std::vector<char> data(bytes, 'x');
  std::vector<double> took;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::size_t at = 0;
  for (auto now = begin; now < end;) {
    check(::pwrite(file, data.data(), bytes, static_cast<off_t>(at)) == static_cast<ssize_t>(bytes),
          "pwrite");
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    check(::fdatasync(file) == 0, "fdatasync");
    at = !growing && at + 2 * bytes > file_size ? 0 : at + bytes;
    const auto then = std::exchange(now, Clock::now());
    took.push_back(std::chrono::duration<double, std::micro>(now - then).count());
  }
  std::sort(took.begin(), took.end());
  std::printf("flushes/s %.0f  p50 %.0f us  p99 %.0f us\n",
              static_cast<double>(took.size()) / seconds, took[took.size() / 2],
              took[took.size() * 99 / 100]);
  return 0;
}
