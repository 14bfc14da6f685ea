// serve, worker, and run with a broker: a publisher, a worker, or both.
#pragma once

#include <memory>
#include <optional>

#include "daemon/role.hpp"
#include "postoffice/defaults/cluster_publisher.hpp"
#include "postoffice/defaults/cluster_worker.hpp"
#include "postoffice/defaults/publisher_id.hpp"

namespace postofficed {

/// The options shared by all parts that use the broker.
postoffice::RabbitOptions rabbit_options(const Options& options);

/// Callbacks go to the broker, or to the journal first (file+amqp), and from there to the workers.
class ClusterRole final : public Role {
 public:
  explicit ClusterRole(DaemonParts& parts);
  ~ClusterRole() override;

  Failure open() override;
  std::error_code start() override;

  /// Drains the worker first, while callbacks are still accepted; then stops the ingress.
  void stop(std::function<void()> done) override;

  void change(const Options& options) override;
  void use_credentials(const StoreLocation& store) override;
  bool use_credentials(const QueueLocation& queue) override;

  std::string not_ready() const override;
  postoffice::PipelineStatus status() const override;
  std::optional<postoffice::PostgresInstanceStatus> instance_status() const override;
  bool counts_rows() const override;
  void add_to(Shown& shown) override;

 private:
  class BrokerUrl;  // the credentials for the broker may change while the daemon runs

  Failure open_publisher(const postoffice::RabbitOptions& broker);
  BrokerStatus broker_status() const;

  DaemonParts& parts_;
  const std::shared_ptr<BrokerUrl> url_;
  postoffice::PublisherId id_;
  std::optional<postoffice::ClusterPublisher> publisher_;
  std::optional<postoffice::ClusterWorker> worker_;
};

}  // namespace postofficed
