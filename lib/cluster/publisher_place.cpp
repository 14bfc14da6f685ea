#include "cluster/publisher_place.hpp"

namespace postoffice::cluster {

void PublisherPlace::taken() {
  registered_ = true;
  epoch_.reset();
  other_.clear();
}

// All rows of one registration have its epoch. Rows of shards that we do not fill are left from an
// earlier run with more shards.
bool PublisherPlace::look(const PostgresInstanceList& list) {
  if (!registered_) return true;
  int ours = 0;
  std::string other;
  for (const auto& row : list.rows) {
    if (row.publisher != publisher_ || row.shard < 0 || row.shard >= shards_) continue;
    if (is_ours(row)) {
      ++ours;
    } else {
      other = row.name;
    }
  }
  other_ = other;
  // A missing row was retired, or its shard's worker has received a goodbye.
  return other_.empty() && ours < shards_;
}

bool PublisherPlace::is_ours(const PostgresInstanceRow& row) {
  if (row.name != name_) return false;
  if (!epoch_) epoch_ = row.epoch;
  return row.epoch == *epoch_;
}

}  // namespace postoffice::cluster
