// The jobs of the store's two threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

#include "postoffice/object_store.hpp"

namespace postoffice::sqlite {

class File;

struct ExpireState {
  Expiry expiry;
  ObjectStore::ExpireDone done;
  std::size_t next_index = 0;  // in expiry.ids
  ObjectId next_id = std::numeric_limits<ObjectId>::min();
  Expired result;
  bool finished = false;
};

/// Either an apply(), when `apply_done` is set, or a step of an expire().
struct WriteJob {
  Changes changes;
  ObjectStore::ApplyDone apply_done;
  std::shared_ptr<ExpireState> expire;

  std::size_t weight() const {
    if (!apply_done) return 0;
    return 1 + changes.touches.size() + changes.answers.size() + changes.removals.size() +
           changes.dead_letters.size() + changes.cleared.size();
  }
};

/// A listing: called with the file, or with an error and no file.
struct ReadJob {
  std::function<void(File*)> run;

  std::size_t weight() const { return 0; }
};

}  // namespace postoffice::sqlite
