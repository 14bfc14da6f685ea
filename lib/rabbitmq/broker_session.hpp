// A thread that keeps one connection to the broker, for ever.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/log.hpp"
#include "rabbitmq/connection.hpp"

namespace postoffice::rabbitmq {

/// Connects, works until something goes wrong, and connects again, at most `reconnect_max` after
/// the last attempt. What is done meanwhile, the derived class says; all of it runs on the thread.
class BrokerSession : private FrameSink {
 public:
  struct Settings {
    Address address;
    std::function<std::string()> url_now;  ///< if given: where `address` came from, as it is now
    std::chrono::milliseconds reconnect_max;
    std::chrono::seconds heartbeat;
    std::string name;  ///< for the log: "publisher", "shard 3"
    Log log;
  };

  explicit BrokerSession(Settings settings);
  BrokerSession(const BrokerSession&) = delete;
  BrokerSession& operator=(const BrokerSession&) = delete;

  /// Why there is no connection; empty if there is one.
  std::string why_disconnected() const;
  std::uint64_t connects() const { return connects_; }

 protected:
  ~BrokerSession();

  void start();
  /// Once, before the derived class is destroyed. Takes leave of a broker that answers: it would
  /// log a connection that only ends.
  void stop();
  bool stopping() const { return stopping_; }
  /// Lets the thread look for work; from any thread.
  void wake();
  /// From inside the handlers: the connection is no good any more.
  void give_up(const std::string& why);
  /// What set_up() brought has been seen to work. Only then it is told: a broker that lets in and
  /// throws out again is one failure, not many.
  void proven();
  /// Tells what somebody should know of the broker's queues, once.
  void tell(const std::vector<std::string>& notes);
  void say(LogLevel level, const std::string& message) const;

 private:
  /// Prepares a connection that is open. May block for a few seconds.
  virtual bool set_up(Connection& connection, std::string& reason) = 0;
  /// It works: step() follows.
  virtual void connected(SteadyTime now) = 0;
  /// Does what there is to do, and puts what is to be sent into connection.out(). Returns when to
  /// be called again, if nothing happens before.
  virtual SteadyTime step(Connection& connection, SteadyTime now) = 0;
  virtual void disconnected() = 0;

  void run();
  bool open(Connection& connection, const Host& host, std::string& reason);
  Address address_now() const;
  bool attempt(std::string& reason);
  void take_leave(Connection& connection);
  void work(Connection& connection, std::string& reason);
  void wait(Connection* connection, SteadyTime until);
  void note(const std::string& reason);

  Settings settings_;  // the address: of the host that was tried last
  const int wake_;     // an eventfd
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> connects_{0};
  std::string given_up_;  // the thread's, as are these
  std::size_t host_ = 0;  // that is tried next: the last one that worked, if one did
  std::string told_;      // by tell()
  bool proven_ = false;

  mutable std::mutex mutex_;
  Connection* current_ = nullptr;
  bool working_ = false;  // nothing blocks: the thread sees stopping_ by itself
  std::string why_disconnected_ = "not connected yet";

  std::thread thread_;
};

}  // namespace postoffice::rabbitmq
