#include "commands/top/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace postofficed::top {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A terminal that takes nothing for so long is as good as gone.
constexpr int patience_milliseconds = 2'000;

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const auto count = write(STDOUT_FILENO, text.data(), text.size());
    if (count > 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno != EINTR && errno != EAGAIN) return false;
    pollfd place{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&place, 1, patience_milliseconds) == 0) return false;
  }
  return true;
}

// Another page (1049), no cursor (25), and what is too long for a line is cut (7).
constexpr std::string_view take = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view give_back = "\033[?7h\033[?25h\033[m\033[?1049l";

// Between these, terminals that know them show nothing half drawn.
constexpr std::string_view begin_update = "\033[?2026h";
constexpr std::string_view end_update = "\033[?2026l";

}  // namespace

Abilities find_abilities() {
  Abilities abilities;
  abilities.colour = variable("NO_COLOR").empty() && isatty(STDOUT_FILENO) != 0;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto locale = variable(name);
    if (locale.empty()) continue;
    for (const char* encoding : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
      abilities.utf8 = abilities.utf8 || locale.find(encoding) != std::string::npos;
    }
    break;  // the first one that is set decides
  }
  return abilities;
}

bool is_screen() {
  const auto kind = variable("TERM");
  return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb";
}

void Terminal::enter() {
  if (entered_) return;
  tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  write_all(take);
  entered_ = true;
}

void Terminal::leave() {
  if (!entered_) return;
  write_all(give_back);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  entered_ = false;
}

Area Terminal::area() const {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return {};
  }
  return {size.ws_col, size.ws_row};
}

bool Terminal::show(const std::vector<Line>& lines, Abilities abilities) {
  std::string text(begin_update);
  text += "\033[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = abilities.colour ? coloured_text(lines[i]) : plain_text(lines[i]);
    text += (i == 0 ? "" : "\r\n") + (abilities.utf8 ? line : in_ascii(line)) + "\033[K";
  }
  text += "\033[J";
  text += end_update;
  return write_all(text);
}

}  // namespace postofficed::top
