// Signals as events of the main thread.
#pragma once

namespace postofficed {

/// Must be made before any other thread, so that only the main thread is interrupted.
class Signals {
 public:
  enum class Event {
    stop,      ///< SIGTERM or SIGINT; number() says which
    reload,    ///< SIGHUP
    finished,  ///< finish() was called
  };

  Signals();
  ~Signals();  ///< from then on SIGTERM and SIGINT end the process again
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Blocks until something happens.
  Event wait();

  /// Makes wait() return; from any thread.
  void finish();

  /// The number of the signal that wait() returned last.
  int number() const { return number_; }

 private:
  int signals_;
  int finished_;
  int number_ = 0;
};

}  // namespace postofficed
