// A bar for somebody who waits at a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace postofficed {

/// One line of at most `width` characters: what is done, how much of it (from 0 to 1, if that is
/// known), and how long it has taken and will take.
std::string progress_line(const std::string& what, std::optional<double> share,
                          std::chrono::milliseconds elapsed, std::size_t width);

/// Draws on stderr, and only if that is a terminal. Nothing of it is left when it goes. Work that
/// is done at once is not worth a bar, so it waits a little before it draws the first one.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// What is being done now.
  void rename(std::string what) { what_ = std::move(what); }

  /// Takes the bar away, lest something is printed behind it.
  void clear();

  /// To be called as often as is convenient; it draws a few times a second.
  void update(std::optional<double> share = {});

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_;
  const bool terminal_;
  const Clock::time_point begun_ = Clock::now();
  Clock::time_point next_;
  bool drawn_ = false;
};

/// How many characters fit into a line of the terminal at `descriptor`; 80 if it does not say.
std::size_t terminal_width(int descriptor);

}  // namespace postofficed
