// The terminal that `top` draws on: taken over, and given back as it was.
#pragma once

#include <termios.h>

#include <string>

#include "commands/top/screen.hpp"

namespace postofficed::top {

/// What can be drawn on it.
struct Abilities {
  bool colour = false;
  bool utf8 = false;
};

/// By the environment: NO_COLOR, TERM and the locale.
Abilities find_abilities();

/// Whether somebody sits at standard input and output, and the terminal can be drawn on at all.
bool is_screen();

/// While it exists, the terminal shows another page than before, and keys come one by one. Signals
/// that keys send still do.
class Terminal {
 public:
  Terminal() { enter(); }
  ~Terminal() { leave(); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  Area area() const;

  /// Replaces what is shown, all at once. False if the terminal is gone.
  bool show(const std::vector<Line>& lines, Abilities abilities);

  /// For the time in which somebody else has it (Ctrl-Z).
  void leave();
  void enter();

 private:
  termios before_{};
  bool entered_ = false;
};

}  // namespace postofficed::top
