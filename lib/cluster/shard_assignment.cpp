#include "cluster/shard_assignment.hpp"

#include <algorithm>
#include <cstdint>

#include "base/mix64.hpp"

namespace postoffice::cluster {
namespace {

// FNV-1a, mixed, so that names that differ in one digit differ in every bit.
std::uint64_t weight(const std::string& name, int shard) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return mix64(hash + 0x9e3779b97f4a7c15 * (static_cast<std::uint64_t>(shard) + 1));
}

}  // namespace

std::vector<int> shards_of(const std::string& name, const std::vector<std::string>& live,
                           int shards) {
  std::vector<int> mine;
  for (int shard = 0; shard < shards; ++shard) {
    const auto own = std::pair(weight(name, shard), name);
    const bool won = std::none_of(live.begin(), live.end(), [&](const std::string& other) {
      return std::pair(weight(other, shard), other) > own;
    });
    if (won) mine.push_back(shard);
  }
  return mine;
}

std::size_t share_of(std::size_t total, std::size_t parts, std::size_t index) {
  if (parts == 0) return total;
  return std::max<std::size_t>(1, total / parts + (index < total % parts ? 1 : 0));
}

}  // namespace postoffice::cluster
