// Which worker has which shards.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace postoffice::cluster {

/// The shards of worker `name` when `live` (which need not contain it) are all workers: each shard
/// goes to the worker that wins it by rendezvous hashing, so every worker finds the same by itself,
/// and one that comes or goes moves only shards of its own.
std::vector<int> shards_of(const std::string& name, const std::vector<std::string>& live,
                           int shards);

/// The `index`-th of `parts` shares of `total`: the sum is `total`, but each gets at least one.
std::size_t share_of(std::size_t total, std::size_t parts, std::size_t index);

}  // namespace postoffice::cluster
