// The sections of /metrics.
#pragma once

#include <cstdint>

#include "admin/metrics_text.hpp"
#include "admin/pages.hpp"

namespace postofficed {

inline double number(std::uint64_t value) { return static_cast<double>(value); }

// metrics_pipeline.cpp: what a pipeline counts; nothing of it where all ids are passed on.
void write_pipeline(MetricsText& out, const Shown& shown, const postoffice::PipelineStatus& status);
void write_accepted(MetricsText& out, const postoffice::PipelineStatus& status);

// metrics_parts.cpp: the other parts, and the process.
void write_store_up(MetricsText& out, bool up);
void write_counts(MetricsText& out, const StoreCounts& counts);
void write_queue(MetricsText& out, const Shown& shown, const postoffice::PipelineStatus& status);
void write_journal(MetricsText& out, const postoffice::FileQueue& queue);
void write_ingress(MetricsText& out, const postoffice::HttpIngressStatus& ingress);
void write_admin(MetricsText& out, const postoffice::HttpServerStatus& admin);
void write_log(MetricsText& out, const postoffice::LogStatus& log);
void write_process(MetricsText& out);

}  // namespace postofficed
