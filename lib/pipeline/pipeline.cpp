#include "postoffice/pipeline.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "pipeline/driver.hpp"

namespace postoffice {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(std::string("pipeline options: ") + what);
}

PipelineOptions checked(PipelineOptions options) {
  using std::chrono::milliseconds;
  require(options.ttl >= milliseconds(1), "ttl must be positive");
  require(options.fetch_concurrency > 0, "fetch_concurrency must be positive");
  require(options.fetch_limit_first > 0, "fetch_limit_first must be positive");
  require(options.fetch_timeout > milliseconds(0), "fetch_timeout must be positive");
  require(options.retry_min > milliseconds(0), "retry_min must be positive");
  require(options.retry_max >= options.retry_min, "retry_max must not be below retry_min");
  require(options.attempts_min > 0, "attempts_min must be positive");
  require(options.pending_ids_max > 0, "pending_ids_max must be positive");
  require(options.known_ids_max >= options.pending_ids_max,
          "known_ids_max must not be below pending_ids_max");
  require(options.waiting_ids_max > 0, "waiting_ids_max must be positive");
  require(options.batch_rows_max > 0, "batch_rows_max must be positive");
  require(options.full_batches_in_flight > 1, "full_batches_in_flight must be above one");
  require(options.touch_delay >= milliseconds(0), "touch_delay must not be negative");
  require(options.carry_after > milliseconds(0), "carry_after must be positive");
  require(options.beat >= milliseconds(0), "beat must not be negative");
  require(options.drain_limit >= milliseconds(0), "drain_limit must not be negative");
  return options;
}

}  // namespace

void check(const PipelineOptions& options) { checked(options); }

Pipeline::Pipeline(Parts parts, PipelineOptions options, Log log)
    : driver_(
          std::make_shared<Driver>(parts, checked(options), log_in_background(std::move(log)))) {}

Pipeline::~Pipeline() { driver_->close(); }

std::error_code Pipeline::start() { return driver_->start(); }
void Pipeline::stop(std::function<void()> done) { driver_->stop(std::move(done)); }
void Pipeline::stop_and_wait() { driver_->stop_and_wait(); }
void Pipeline::set_fetch_concurrency(std::size_t fetches) {
  driver_->set_fetch_concurrency(fetches);
}
void Pipeline::change(const PipelineOptions& options) { driver_->change(checked(options)); }
PipelineStatus Pipeline::status() const { return driver_->status(); }
void Pipeline::progress(Receipt receipt, ProgressDone done) const {
  driver_->progress(receipt, std::move(done));
}

}  // namespace postoffice
