// What a daemon does: everything by itself, or one part of a cluster.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "admin/pages.hpp"
#include "daemon/file_limit.hpp"
#include "daemon/passed_sockets.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/pipeline.hpp"

namespace postofficed {

/// The parts of all roles; a role opens those that it needs. They outlive it.
struct DaemonParts {
  const Options& options;
  PassedSockets sockets;
  const FileShares shares;
  const postoffice::Log log;
  const std::function<std::string()> not_ready;  ///< as Daemon has it, for the callback listener

  postoffice::EventLoop loop{};
  postoffice::SystemClock clock{loop};
  std::unique_ptr<postoffice::FileQueue> journal{};
  std::unique_ptr<postoffice::ReadableObjectStore> store{};
  postoffice::PostgresObjectStore* postgres = nullptr;  ///< the same, if it is one
  std::optional<postoffice::HttpObjectSource> source{};
  std::optional<postoffice::HttpIngress> ingress{};

  Failure open_journal();
  Failure open_store(std::optional<postoffice::PostgresInstance> instance = {});
  void open_source();
  void open_ingress(std::function<std::string()> why_not = {});
};

class Role {
 public:
  virtual ~Role() = default;

  /// Opens the files, and makes the parts. Throws std::invalid_argument for options that cannot
  /// work.
  virtual Failure open() = 0;

  /// Called when the loop runs and the pages are served. An error is the callback listener's.
  virtual std::error_code start() = 0;

  /// Drains (S10). `done` is called once, on any thread.
  virtual void stop(std::function<void()> done) = 0;

  /// As Daemon's. The store's own connections have them already.
  virtual void use_credentials(const StoreLocation&) {}
  virtual bool use_credentials(const QueueLocation&) { return false; }

  /// The options that may change while it runs have changed (Specification::reloads).
  virtual void change(const Options&) {}

  /// Why a callback sent now would not get a 202, apart from a missing listener.
  virtual std::string not_ready() const = 0;
  virtual postoffice::PipelineStatus status() const = 0;
  virtual std::optional<postoffice::PostgresInstanceStatus> instance_status() const = 0;

  /// Whether it is this process that counts the rows: one is enough for a cluster.
  virtual bool counts_rows() const { return true; }

  /// Adds what only this role shows.
  virtual void add_to(Shown& shown) = 0;
};

/// Checks for options that are each valid but cannot work together.
Failure check_role(const Options& options);

/// Checks that the two listeners do not take the same address. Only if both are opened here.
Failure check_listeners(const Options& options);

/// Makes the role for options that have been checked.
std::unique_ptr<Role> make_role(DaemonParts& parts);

/// For `count` pipelines in this process.
postoffice::PipelineOptions pipeline_options(const Options& options, std::size_t count);

/// "host:9090#4711": where this process listens, and its process id.
std::string instance_name(const std::string& listen);

}  // namespace postofficed
