#include "support/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "support/logging.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;

constexpr auto before_first = 300ms;
constexpr auto between = 100ms;
constexpr std::size_t bar_width = 24;
constexpr double share_to_guess_from = 0.02;  // before that, the time left is anybody's guess

std::string clock_time(std::chrono::seconds time) {
  const auto seconds = time.count();
  const auto two = [](std::int64_t value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
  };
  const auto minutes = std::to_string(seconds / 60 % 60) + ":" + two(seconds % 60);
  if (seconds < 3'600) return minutes;
  return std::to_string(seconds / 3'600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}

std::string bar(double share) {
  const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  return "[" + std::string(full, '#') + std::string(bar_width - full, '.') + "] ";
}

std::string measured(double share, std::chrono::milliseconds elapsed) {
  std::string text = bar(share) + std::to_string(static_cast<int>(share * 100)) + " %  " +
                     clock_time(std::chrono::floor<std::chrono::seconds>(elapsed));
  if (share < share_to_guess_from || share >= 1) return text;
  const auto left = std::chrono::duration<double>(elapsed) * ((1 - share) / share);
  return text + ", " + clock_time(std::chrono::ceil<std::chrono::seconds>(left)) + " left";
}

}  // namespace

std::string progress_line(const std::string& what, std::optional<double> share,
                          std::chrono::milliseconds elapsed, std::size_t width) {
  std::string text = what + "  ";
  if (share && std::isfinite(*share)) {
    text += measured(std::clamp(*share, 0.0, 1.0), elapsed);
  } else {
    text += clock_time(std::chrono::floor<std::chrono::seconds>(elapsed));
  }
  return text.substr(0, width);
}

Progress::Progress(std::string what)
    : what_(std::move(what)), terminal_(isatty(STDERR_FILENO) != 0), next_(begun_ + before_first) {}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (std::exchange(drawn_, false)) write_to_stderr("\r\033[K");
}

void Progress::update(std::optional<double> share) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + between;
  drawn_ = true;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_);
  // The last column stays free: a terminal may begin a new line behind it.
  const auto width = terminal_width(STDERR_FILENO) - 1;
  write_to_stderr("\r" + progress_line(what_, share, elapsed, width) + "\033[K");
}

std::size_t terminal_width(int descriptor) {
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace postofficed
