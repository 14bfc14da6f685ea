// Mutexes and thread roles whose use clang checks when it compiles (-Wthread-safety,
// tests/tidy/clang_tidy.py). For other compilers the macros are empty.
//
// Clang compares expressions, not objects: a lock of `state_.mutex` is known to be the one that
// GUARDED_BY(mutex) in `state_` means, but not to be that of another reference to the same object.
// So classes that share a mutex lock it through their own reference, and call each other without
// it.
#pragma once

#include <atomic>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define POSTOFFICE_THREAD_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define POSTOFFICE_THREAD_ATTRIBUTE(attribute)
#endif

// clang-format off
#define CAPABILITY(name) POSTOFFICE_THREAD_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY POSTOFFICE_THREAD_ATTRIBUTE(scoped_lockable)
/// A member that is read and written with that mutex held, or in that role, only.
#define GUARDED_BY(mutex) POSTOFFICE_THREAD_ATTRIBUTE(guarded_by(mutex))
/// A function that is called with these held, and returns with them held.
#define REQUIRES(...) POSTOFFICE_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
/// A function that takes these itself, or runs what might: called without them.
#define EXCLUDES(...) POSTOFFICE_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) POSTOFFICE_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) POSTOFFICE_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) POSTOFFICE_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
// clang-format on

namespace postoffice {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class ConditionVariable;
  std::mutex mutex_;
};

/// Holds a mutex until the end of its block.
class SCOPED_CAPABILITY LockGuard {
 public:
  explicit LockGuard(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~LockGuard() RELEASE() { mutex_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Mutex& mutex_;
};

/// The same, but may let go of it in between.
class SCOPED_CAPABILITY UniqueLock {
 public:
  explicit UniqueLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { lock(); }
  ~UniqueLock() RELEASE() {
    if (held_) mutex_.unlock();
  }
  UniqueLock(const UniqueLock&) = delete;
  UniqueLock& operator=(const UniqueLock&) = delete;

  void lock() ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }
  void unlock() RELEASE() {
    held_ = false;
    mutex_.unlock();
  }

 private:
  Mutex& mutex_;
  bool held_ = false;
};

/// The reverse: lets go of a mutex that is held, until the end of its block.
class SCOPED_CAPABILITY Unlocked {
 public:
  explicit Unlocked(Mutex& mutex) RELEASE(mutex) : mutex_(mutex) { mutex_.unlock(); }
  ~Unlocked() RELEASE() { mutex_.lock(); }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  Mutex& mutex_;
};

class ConditionVariable {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  void wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  void wait_until(Mutex& mutex, std::chrono::steady_clock::time_point until) REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_until(lock, until);
    lock.release();
  }

 private:
  std::condition_variable condition_;
};

/// What one thread at a time may do. Members that need no mutex, since one thread alone touches
/// them, are GUARDED_BY its role; that two threads are never in it at once is asserted.
class CAPABILITY("role") ThreadRole {
 public:
  void begin() ACQUIRE() {
    const bool taken = taken_.exchange(true, std::memory_order_acquire);
    assert(!taken);
    (void)taken;
  }
  void end() RELEASE() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

/// In that role until the end of its block.
class SCOPED_CAPABILITY InRole {
 public:
  explicit InRole(ThreadRole& role) ACQUIRE(role) : role_(role) { role_.begin(); }
  ~InRole() RELEASE() { role_.end(); }
  InRole(const InRole&) = delete;
  InRole& operator=(const InRole&) = delete;

 private:
  ThreadRole& role_;
};

}  // namespace postoffice
