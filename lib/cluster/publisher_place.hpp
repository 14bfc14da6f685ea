// Whether this process is the only one that publishes under its number, judged by the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "postoffice/defaults/postgres_instances.hpp"

namespace postoffice::cluster {

/// A copied data directory has a copied number. As with other instances the one that was started
/// last takes the place, and the one before it finds another's name or epoch there, publishes no
/// more, and takes it again when it is free: the other has said goodbye, or was retired. Silence
/// frees nothing. Not thread-safe.
class PublisherPlace {
 public:
  PublisherPlace(std::uint64_t publisher, std::string name, int shards)
      : publisher_(publisher), name_(std::move(name)), shards_(shards) {}

  /// We have registered; nothing may be on its way that was asked before.
  void taken();

  /// True: it is ours to register, again or for the first time.
  bool look(const PostgresInstanceList& list);

  /// Who has the place; empty: nobody else.
  const std::string& other() const { return other_; }

 private:
  bool is_ours(const PostgresInstanceRow& row);

  const std::uint64_t publisher_;
  const std::string name_;
  const int shards_;
  bool registered_ = false;
  std::optional<std::int64_t> epoch_;  // of our registration, once it was seen
  std::string other_;
};

}  // namespace postoffice::cluster
