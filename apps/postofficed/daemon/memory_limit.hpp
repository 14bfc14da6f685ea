// How much memory this process may use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/options.hpp"

namespace postofficed {

/// Bytes: what the machine has, or less if the control group of this process, or one above it, has
/// a limit (cgroups(7), both versions). `root` is where /proc and /sys/fs/cgroup are.
std::uint64_t memory_limit(const std::string& root = "/");

/// Lowers what a pipeline keeps in memory so that `count` of them, with a queue each, fill no more
/// than half of `limit`. The other half is for connections, fetches and the system's cache.
void fit_memory(std::uint64_t limit, std::size_t count, postoffice::PipelineOptions& pipeline);
void fit_memory(std::uint64_t limit, postoffice::FileQueueOptions& queue);

}  // namespace postofficed
