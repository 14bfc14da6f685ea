// What several shards of one worker tell, as if it were one.
#pragma once

#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/types.hpp"

namespace postoffice::cluster {

/// A pipeline that has done nothing and lags behind nobody.
PipelineStatus nothing_done(Timestamp now);

/// What a pipeline that has ended leaves behind: its counters. Ids that had not ended in it are not
/// among them, for somebody else counts them.
PipelineStatus counts_of(const PipelineStatus& one);

/// Adds up what two pipelines have counted; marks are those of the one that is behind.
void add(PipelineStatus& sum, const PipelineStatus& one);

/// All are told the same about others; each knows its own place only.
void add(PostgresInstanceStatus& both, const PostgresInstanceStatus& one);

}  // namespace postoffice::cluster
