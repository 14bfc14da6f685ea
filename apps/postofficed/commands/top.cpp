// `postofficed top`: the figures of a running daemon, in a terminal.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "commands/commands.hpp"
#include "commands/top/figures_json.hpp"
#include "commands/top/look.hpp"
#include "commands/top/screen.hpp"
#include "commands/top/target.hpp"
#include "commands/top/terminal.hpp"

namespace postofficed {
namespace {

using namespace top;
using Clock = Look::Clock;

constexpr std::size_t looks_kept = 512;
constexpr Area page{100, 60};  // of --once, which nobody cuts to a window

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Signals as something to wait for. Whoever waits in this process gets them no other way.
class SignalQueue {
 public:
  SignalQueue() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP}) {
      sigaddset(&wanted, number);
    }
    sigprocmask(SIG_BLOCK, &wanted, &before_);
    descriptor_ = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  }
  ~SignalQueue() {
    close(descriptor_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  int descriptor() const { return descriptor_; }

  /// 0: none.
  int take() const {
    signalfd_siginfo information{};
    const auto count = read(descriptor_, &information, sizeof information);
    return count == sizeof information ? static_cast<int>(information.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  int descriptor_ = -1;
};

/// Looks again and again, and draws what it saw, until somebody has seen enough.
class Watch {
 public:
  Watch(Target target, std::chrono::milliseconds interval)
      : target_(std::move(target)), interval_(interval) {
    model_.address = target_.address;
    model_.interactive = true;
  }

  void run() {
    draw();
    while (!over_) {
      if (!look_ && !model_.paused && Clock::now() >= next_look_) look_.emplace(target_);
      wait();
      take_keys();
      take_signals();
      if (look_ && look_->advance()) finish_look();
    }
  }

 private:
  void wait() {
    std::vector<pollfd> places{{STDIN_FILENO, POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
    auto until = model_.paused ? Clock::now() + std::chrono::hours(1) : next_look_;
    if (look_) {
      const auto more = look_->waits_for();
      places.insert(places.end(), more.begin(), more.end());
      until = look_->deadline();
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    poll(places.data(), places.size(), std::max(0, static_cast<int>(left.count())));
    if ((places[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) over_ = true;
  }

  void take_keys() {
    char keys[64];
    const auto count = over_ ? 0 : read(STDIN_FILENO, keys, sizeof keys);
    for (ssize_t i = 0; i < count; ++i) {
      if (keys[i] == 'q' || keys[i] == 'Q') over_ = true;
      if (keys[i] != 'p' && keys[i] != 'P') continue;
      model_.paused = !model_.paused;
      draw();
    }
  }

  void take_signals() {
    for (int number = signals_.take(); number != 0; number = signals_.take()) {
      switch (number) {
        case SIGWINCH: draw(); break;
        case SIGTSTP: step_aside(); break;
        default: over_ = true;
      }
    }
  }

  // As a program that does not know of Ctrl-Z would, but with the terminal as it was.
  void step_aside() {
    terminal_.leave();
    raise(SIGSTOP);
    terminal_.enter();
    draw();
  }

  void finish_look() {
    const auto seen = look_->take();
    const auto at = look_->begun();
    look_.reset();
    next_look_ = std::max(at + interval_, Clock::now());
    if (seen) {
      take(*seen, at);
    } else {
      if (model_.away.empty()) away_since_ = at;
      model_.away = seen.error().message;
      model_.away_for = seconds_between(away_since_, Clock::now());
    }
    draw();
  }

  void take(const Sample& seen, Clock::time_point at) {
    const Sample* before = model_.figures ? &model_.figures->now : nullptr;
    auto figures = compare(before, seen, seconds_between(seen_at_, at));
    if (figures.seconds && figures.source_between) {
      model_.source.push_back(*figures.source_between);
      if (model_.source.size() > looks_kept) model_.source.pop_front();
    }
    model_.figures = std::move(figures);
    model_.away.clear();
    seen_at_ = at;
  }

  void draw() {
    if (!terminal_.show(top::draw(model_, terminal_.area()), abilities_)) over_ = true;
  }

  const Target target_;
  const std::chrono::milliseconds interval_;
  const Abilities abilities_ = find_abilities();
  const SignalQueue signals_;
  Terminal terminal_;
  Model model_;
  std::optional<Look> look_;
  Clock::time_point next_look_{};
  Clock::time_point seen_at_{};
  Clock::time_point away_since_{};
  bool over_ = false;
};

/// Two looks, for rates need two.
Result<Figures> look_twice(const Target& target, std::chrono::milliseconds interval) {
  const auto first_at = Clock::now();
  const auto first = look_at(target);
  if (!first) return first.error();
  std::this_thread::sleep_until(first_at + interval);
  const auto second_at = Clock::now();
  const auto second = look_at(target);
  if (!second) return second.error();
  return compare(&*first, *second, seconds_between(first_at, second_at));
}

void print(const Model& model) {
  const auto abilities = find_abilities();
  for (const auto& line : draw(model, page)) {
    const auto text = plain_text(line);
    std::printf("%s\n", (abilities.utf8 ? text : in_ascii(text)).c_str());
  }
}

Failure show_once(const Target& target, const Options& options) {
  auto figures = look_twice(target, options.interval);
  if (!figures) {
    return {figures.error().code, "top: " + target.address + ": " + figures.error().message};
  }
  if (options.json) {
    std::printf("%s\n", to_json(target.address, *figures).c_str());
    return {};
  }
  Model model;
  model.address = target.address;
  if (figures->source_between) model.source.push_back(*figures->source_between);
  model.figures = *std::move(figures);
  print(model);
  return {};
}

}  // namespace

Failure show_top(const ParsedOptions& parsed) {
  const auto target = find_target(parsed);
  const auto& options = parsed.options;
  if (options.once || options.json || !is_screen()) return show_once(target, options);
  Watch(target, options.interval).run();
  return {};
}

}  // namespace postofficed
