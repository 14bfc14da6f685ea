// The command run with a file queue: everything in this process.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/neighbours.hpp"
#include "daemon/role.hpp"
#include "postoffice/defaults/postgres_lease.hpp"

namespace postofficed {

/// Callbacks go into the journal, and a pipeline reads them from there.
class LocalRole final : public Role {
 public:
  explicit LocalRole(DaemonParts& parts) : parts_(parts) {}

  Failure open() override;
  std::error_code start() override;
  void stop(std::function<void()> done) override;
  void change(const Options& options) override;
  std::string not_ready() const override;
  postoffice::PipelineStatus status() const override { return pipeline_->status(); }
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const override;
  void add_to(Shown& shown) override;

 private:
  void replay(const std::vector<postoffice::ObjectId>& ids, const ChangeDone& done) const;

  DaemonParts& parts_;
  std::optional<postoffice::PostgresLease> lease_;  // if other daemons may use the store, too
  std::optional<GuardedIngress>
      guarded_;  // refuses callbacks while another daemon has this one's place
  std::optional<postoffice::Pipeline> pipeline_;
  std::atomic<bool> stopping_{false};
  /// Under way; the pipeline does not wait for them when it stops.
  const std::shared_ptr<std::atomic<int>> replays_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace postofficed
