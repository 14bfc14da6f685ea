// An instance's registration among those that share the tables: its epoch, fence and clock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "postgres/request.hpp"
#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// The publisher as the tables write it.
std::string publisher_text(std::uint64_t publisher);

/// All methods need the lock of the store; `submit` and `log` are called with it held. Shared with
/// its requests, so that it exists until the last of them has ended.
class Membership : public std::enable_shared_from_this<Membership> {
 public:
  using Submit = std::function<void(Request)>;

  Membership(PostgresInstance instance, Submit submit, Log log);

  /// Sends a writing request with the fence added, at once or after registering. `done` gets the
  /// results of the request's own statements only.
  void submit(Request request);

  /// Publishes this queue's watermark, and queries those of the others.
  void publish(const Expiry& expiry, std::function<void(const Failure&, Timestamp all)> done);

  /// The queue was stopped with nothing left in it: from now on its watermark advances by itself.
  void stop_instance(Timestamp watermark, std::function<void(const Failure&)> done);

  /// A publisher has said goodbye, and everything it sent to this shard is in the store.
  void remove_publisher(std::uint64_t publisher, std::function<void(const Failure&)> done);

  const PostgresInstanceStatus& status() const { return status_; }

  /// Needs no lock.
  bool fenced() const noexcept { return fenced_; }

 private:
  void send(Request request);
  void write(Query query, std::function<void(const Failure&)> done);
  void look_for_place();
  void looked(const Failure& failure, const std::vector<Result>& results);
  void register_now();
  void registered(const Failure& failure, const std::vector<Result>& results);
  void take_epoch(const PGresult& result);
  void fail_waiting(const Failure& failure);
  void replaced_by(std::string name, Duration silent);
  void read_survey(const PGresult& survey);
  void lost(const Failure& failure);
  std::uint64_t session() const { return instance_.session ? instance_.session() : 0; }
  bool may_supersede() const { return !session_ || *session_ != session(); }
  Timestamp now() const;
  void compare_clocks(Timestamp server, Timestamp local, Duration error);
  void report_skew();

  const PostgresInstance instance_;
  const Submit submit_;
  const Log log_;
  PostgresInstanceStatus status_;
  std::atomic<bool> fenced_ = false;  // as the status says
  std::vector<Request> waiting_;      // wait for the registration
  bool registering_ = false;
  std::optional<std::uint64_t> session_;  // the session that has registered
  Timestamp watermark_{};                 // the newest that this queue has published
  bool skew_reported_ = false;
  bool skew_known_ = false;
  std::chrono::steady_clock::time_point compared_;
};

}  // namespace postoffice::postgres
