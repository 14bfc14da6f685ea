// A daemon of our own, in a process of its own, that nobody else meets.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "exit_code.hpp"

namespace postofficed::bench {

struct InstanceOptions {
  std::string directory;            ///< all of its files, the log included, lie there
  std::string source;               ///< URL
  std::vector<std::string> more{};  ///< further options of its command line
  sigset_t signals{};               ///< what is blocked when it begins
};

/// This very program with `run`, on free ports of 127.0.0.1 that it gets as sockets. It takes
/// nothing from the environment that could lead it to other people's files, and dies with this
/// process.
class Instance {
 public:
  explicit Instance(InstanceOptions options) : options_(std::move(options)) {}
  ~Instance();  ///< kills it: what it has is of no use to anybody
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  /// Until it is ready; `cancelled` is asked meanwhile.
  Failure start(const std::function<bool()>& cancelled);

  pid_t process() const { return process_; }
  std::uint16_t port() const { return port_; }
  std::string admin() const { return "127.0.0.1:" + std::to_string(admin_port_); }

 private:
  std::vector<std::string> command() const;
  Failure begin(int callbacks, int admin);
  Failure wait_until_ready(const std::function<bool()>& cancelled);
  bool has_ended();
  std::string last_words() const;

  const InstanceOptions options_;
  pid_t process_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t admin_port_ = 0;
};

}  // namespace postofficed::bench
