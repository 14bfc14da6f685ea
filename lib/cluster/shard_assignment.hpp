// Assigns shards to workers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace postoffice::cluster {

/// The shards of worker `name` when `live` (which need not contain it) are all workers: rendezvous
/// hashing assigns each shard to one of them. So every worker computes the same assignment by
/// itself, and a worker that joins or leaves moves only its own shards.
std::vector<int> shards_of(const std::string& name, const std::vector<std::string>& live,
                           int shards);

/// The `index`-th of `parts` shares of `total`: their sum is `total`, but each share is at least
/// one.
std::size_t share_of(std::size_t total, std::size_t parts, std::size_t index);

}  // namespace postoffice::cluster
