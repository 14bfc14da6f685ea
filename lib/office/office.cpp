#include "postoffice/office.hpp"

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#ifdef POSTOFFICE_SQLITE
#include "postoffice/defaults/sqlite_object_store.hpp"
#endif

namespace postoffice {
namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";

/// In order of dependence. The loop is stopped before any part is destroyed, so that no part is
/// called any more.
struct Parts {
  ~Parts() {
    pipeline.reset();
    loop.stop();
  }

  EventLoop loop;
  SystemClock clock{loop};
  std::unique_ptr<FileQueue> queue;
  std::optional<HttpIngress> ingress;
  std::optional<HttpObjectSource> source;
  std::unique_ptr<ObjectStore> store;
  std::function<StoreStatus()> store_status;
  std::optional<Pipeline> pipeline;
};

template <typename Store>
void use_store(Parts& parts, std::unique_ptr<Store> store) {
  parts.store_status = [store = store.get()] { return store->status(); };
  parts.store = std::move(store);
}

Failure open_store(Parts& parts, const std::string& location, const Log& log) {
  if (!location.starts_with(sqlite_scheme)) {
    PostgresObjectStoreOptions options;
    options.conninfo = location;
    use_store(parts, std::make_unique<PostgresObjectStore>(parts.loop, options, log));
    return {};
  }
#ifdef POSTOFFICE_SQLITE
  use_store(parts, std::make_unique<SqliteObjectStore>(
                       SqliteObjectStoreOptions{location.substr(sqlite_scheme.size())}, log));
  return {};
#else
  return {Error::bad_options, "store " + location + ": SQLite is not built in; use PostgreSQL"};
#endif
}

Failure open(Parts& parts, const OfficeOptions& options) {
  const std::filesystem::path directory = options.data_dir;
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return {error, "data directory " + options.data_dir + ": " + error.message()};
  const auto queue = (directory / "queue").string();
  auto opened = FileQueue::open({.directory = queue}, parts.clock, options.log);
  if (!opened) return {opened.error().code, "queue " + opened.error().text()};
  parts.queue = *std::move(opened);
  parts.ingress.emplace(HttpIngressOptions{.listen = options.listen}, options.log);
  parts.source.emplace(parts.loop, HttpObjectSourceOptions{.url = options.source}, options.log);
  const auto file = std::string(sqlite_scheme) + (directory / "objects.db").string();
  auto failed = open_store(parts, options.store.empty() ? file : options.store, options.log);
  if (failed) return failed;
  parts.pipeline.emplace(
      Pipeline::Parts{parts.clock, *parts.ingress, *parts.queue, *parts.source, *parts.store},
      PipelineOptions{.ttl = options.ttl,
                      .keep = options.keep,
                      .fetch_concurrency = options.fetch_concurrency,
                      .drain_limit = options.drain_limit},
      options.log);
  parts.loop.start();
  error = parts.pipeline->start();
  if (error) return {error, "listening on " + options.listen + ": " + error.message()};
  return {};
}

}  // namespace

class Office::Impl {
 public:
  explicit Impl(OfficeOptions options) : options_(std::move(options)) {
    options_.log = log_in_background(std::move(options_.log));
  }

  Failure start() {
    const std::lock_guard lock(mutex_);
    if (parts_ || stopped_) return {Error::stopped, "an office can be started only once"};
    auto parts = std::make_unique<Parts>();
    try {
      if (auto error = open(*parts, options_)) return error;
    } catch (const std::invalid_argument& error) {
      return {Error::bad_options, error.what()};
    }
    parts_ = std::move(parts);
    return {};
  }

  void stop(std::function<void()> done) {
    Pipeline* const pipeline = stopping();
    pipeline ? pipeline->stop(std::move(done)) : done();
  }

  void stop_and_wait() {
    if (Pipeline* const pipeline = stopping()) pipeline->stop_and_wait();
  }

  OfficeStatus status() const {
    const std::lock_guard lock(mutex_);
    if (!parts_) return {};
    return {.running = true,
            .port = parts_->ingress->port(),
            .store = parts_->store_status(),
            .pipeline = parts_->pipeline->status()};
  }

 private:
  Pipeline* stopping() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    return parts_ ? &*parts_->pipeline : nullptr;
  }

  OfficeOptions options_;
  mutable std::mutex mutex_;
  bool stopped_ = false;
  std::unique_ptr<Parts> parts_;  // from a successful start() on
};

Office::Office(OfficeOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Office::~Office() = default;

Failure Office::start() { return impl_->start(); }

void Office::stop(std::function<void()> done) { impl_->stop(std::move(done)); }

void Office::stop_and_wait() { impl_->stop_and_wait(); }

OfficeStatus Office::status() const { return impl_->status(); }

}  // namespace postoffice
