#include "daemon/local_role.hpp"

#include <utility>

#include "options/redaction.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"

namespace postofficed {
namespace {

// How often this daemon publishes its watermark. A row is deleted up to two beats later than with
// one daemon.
constexpr std::chrono::milliseconds beat_of_instances{200};

}  // namespace

Failure LocalRole::open() {
  const auto& options = parts_.options;
  if (auto failure = prepare_data_directory(options.data_dir)) return failure;
  if (auto failure = parts_.open_journal()) return failure;
  lease_.emplace(parts_.clock, parts_.journal->progress().queue, instance_name(options.listen));
  if (auto failure = parts_.open_store(lease_->instance())) return failure;
  parts_.open_source();
  parts_.open_ingress();
  guarded_.emplace(*parts_.ingress, [store = parts_.postgres]() -> std::error_code {
    if (store && store->fenced()) return postoffice::Error::fenced;
    return {};
  });

  auto pipeline = pipeline_options(options, 1);
  if (parts_.postgres) pipeline.beat = beat_of_instances;
  if (pipeline.pending_ids_max < postoffice::PipelineOptions().pending_ids_max) {
    parts_.log(postoffice::LogLevel::info,
               "memory for " + std::to_string(pipeline.pending_ids_max) + " waiting ids and " +
                   std::to_string(pipeline.known_ids_max) + " known ones");
  }
  pipeline_.emplace(postoffice::Pipeline::Parts{parts_.clock, *guarded_, *parts_.journal,
                                                *parts_.source, *parts_.store},
                    pipeline, parts_.log);
  parts_.log(postoffice::LogLevel::info,
             "store " + describe(options.store) + ", source " + redact(options.source));
  return {};
}

std::error_code LocalRole::start() {
  if (parts_.postgres) {
    lease_->acquire(*parts_.postgres, parts_.journal->progress(), parts_.options.ttl);
  }
  return pipeline_->start();
}

void LocalRole::stop(std::function<void()> done) {
  stopping_ = true;
  pipeline_->stop([this, done = std::move(done)] {
    const auto status = pipeline_->status();
    const bool finished = status.pending == 0 && status.touches_waiting == 0 && *replays_ == 0;
    if (!parts_.postgres || !finished) return done();
    lease_->release(*parts_.postgres, done);
  });
}

void LocalRole::change(const Options& options) {
  pipeline_->change(pipeline_options(options, 1));
  pipeline_->set_fetch_concurrency(options.fetch_concurrency);
}

std::string LocalRole::not_ready() const {
  if (auto trouble = parts_.journal->trouble(); !trouble.empty()) return trouble;
  const auto instance = instance_status();
  if (!instance || !instance->fenced) return {};
  return about_successor(*instance, describe(parts_.options.store)).what;
}

std::optional<postoffice::PostgresInstanceStatus> LocalRole::instance_status() const {
  if (!parts_.postgres) return std::nullopt;
  return parts_.postgres->instance_status();
}

void LocalRole::add_to(Shown& shown) {
  shown.progress = [this](const postoffice::Receipt& receipt, auto done) {
    pipeline_->progress(receipt, done);
  };
  shown.replay = [this](const auto& ids, const auto& done) { replay(ids, done); };
}

// The same queue that takes callbacks from the ingress, so all that holds for them holds for these.
void LocalRole::replay(const std::vector<postoffice::ObjectId>& ids, const ChangeDone& done) const {
  ++*replays_;  // before the question, so that a stop sees it or is seen
  const auto finish = [replays = replays_, done](std::error_code error, const auto&...) {
    --*replays;
    done(error);
  };
  if (stopping_) return finish(postoffice::Error::stopped);
  if (parts_.postgres && parts_.postgres->fenced()) return finish(postoffice::Error::fenced);
  parts_.journal->append(ids, std::nullopt, finish);
}

}  // namespace postofficed
