// A thread that keeps one connection to the broker and renews it whenever it ends.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.hpp"
#include "postoffice/log.hpp"
#include "postoffice/result.hpp"
#include "rabbitmq/connection.hpp"

namespace postoffice::rabbitmq {

/// Connects, works until something goes wrong, and connects again, at most `reconnect_max` after
/// the last attempt. What is done with a connection is up to the derived class, on that thread.
class BrokerSession : private FrameSink {
 public:
  struct Settings {
    Address address;
    std::function<std::string()> url_now;  ///< if given: the current URL, which replaces `address`
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
  /// Once, before the derived class is destroyed. Closes the connection properly if the broker
  /// answers: it logs a warning for connections that just break.
  void stop();
  bool stopping() const { return stopping_; }
  /// Lets the thread look for work; from any thread.
  void wake();
  /// From inside the handlers: end this connection and make another one.
  void give_up(const std::string& why);
  /// The connection has been seen to work. Only then is the success logged: a broker that accepts
  /// connections and closes them again is one failure, not many.
  void proven();
  /// Logs what an operator should know about the broker's queues, once.
  void tell(const std::vector<std::string>& notes);
  void say(LogLevel level, const std::string& message) const;

 private:
  /// Prepares a connection that is open. May block for a few seconds.
  virtual Failure set_up(Connection& connection) = 0;
  /// It works: step() follows.
  virtual void connected(SteadyTime now) = 0;
  /// Does what there is to do, and puts what is to be sent into connection.out(). Returns when to
  /// be called again, if nothing happens before.
  virtual SteadyTime step(Connection& connection, SteadyTime now) = 0;
  virtual void disconnected() = 0;

  /// One that is over.
  struct Attempt {
    bool opened = false;  ///< there was a connection
    Failure end;          ///< why there is none
  };

  void run();
  Failure open(Connection& connection, const Host& host);
  Address address_now() const;
  Attempt attempt();
  void close_politely(Connection& connection);
  Failure work(Connection& connection);
  void wait(Connection* connection, SteadyTime until);
  void note(const std::string& reason);

  const int wake_;  // an eventfd
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> connects_{0};

  // The thread's.
  Settings settings_;     // `address`: the host that was tried last
  std::size_t host_ = 0;  // tried next: the last one that worked, if any
  std::string given_up_;
  std::string told_;  // by tell()
  bool proven_ = false;

  mutable Mutex mutex_;
  Connection* current_ GUARDED_BY(mutex_) = nullptr;
  bool working_ GUARDED_BY(mutex_) = false;  // nothing blocks: the thread sees stopping_ by itself
  std::string why_disconnected_ GUARDED_BY(mutex_) = "not connected yet";

  std::thread thread_;
};

}  // namespace postoffice::rabbitmq
