// The statuses of a worker's shards, combined into one.
#pragma once

#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/types.hpp"

namespace postoffice::cluster {

/// The status of a pipeline that has done nothing and lags behind nothing.
PipelineStatus nothing_done(Timestamp now);

/// The counters of a pipeline that has ended, without ids that had not ended in it: another worker
/// counts those.
PipelineStatus counts_of(const PipelineStatus& one);

/// Adds the counters of two pipelines; watermarks are those of the one that is further behind.
void add(PipelineStatus& sum, const PipelineStatus& one);

/// What concerns other instances is the same in all; the rest concerns one shard each.
void add(PostgresInstanceStatus& both, const PostgresInstanceStatus& one);

}  // namespace postoffice::cluster
