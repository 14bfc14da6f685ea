// Finds out from the database whether another process publishes under the same number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "postoffice/defaults/postgres_instances.hpp"

namespace postoffice::cluster {

/// A copied data directory contains a copied number. As with other instances, the process started
/// last takes the place. The earlier one then finds another name or epoch in its rows, stops
/// publishing, and takes the place again when the other has said goodbye or was retired. Silence of
/// the other does not free the place. Not thread-safe.
class PublisherPlace {
 public:
  PublisherPlace(std::uint64_t publisher, std::string name, int shards)
      : publisher_(publisher), name_(std::move(name)), shards_(shards) {}

  /// Call it after registering; no query made before may still be under way.
  void taken();

  /// True if this process should register, again or for the first time.
  bool look(const PostgresInstanceList& list);

  /// The process that has the place; empty: no other has.
  const std::string& other() const { return other_; }

 private:
  bool is_ours(const PostgresInstanceRow& row);

  const std::uint64_t publisher_;
  const std::string name_;
  const int shards_;
  bool registered_ = false;
  std::optional<std::int64_t> epoch_;  // of our registration, once it was read back
  std::string other_;
};

}  // namespace postoffice::cluster
