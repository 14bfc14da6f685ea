// Implements expire(): by this queue's cutoff, or by that of all queues that share the tables.
#pragma once

#include <functional>
#include <memory>

#include "postgres/completions.hpp"
#include "postgres/expire_backlog.hpp"
#include "postgres/expire_job.hpp"
#include "postgres/membership.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// Needs the lock of the store. Shared with its requests, so that it exists until the last of them
/// has ended.
class Expirer : public std::enable_shared_from_this<Expirer> {
 public:
  /// `membership` is null if the store is the only writer of the tables. `submit` is for writes.
  Expirer(std::shared_ptr<Completions> completions, std::shared_ptr<Membership> membership,
          ExpireJob::Submit submit);

  void expire(Expiry expiry, ObjectStore::ExpireDone done);

 private:
  void expire_with_others(Expiry expiry, ObjectStore::ExpireDone done);
  void expire_reached(const Expiry& expiry, Timestamp reached, ObjectStore::ExpireDone done);
  void start(Expiry expiry, ExpireJob::Finished finished);
  bool is_time_to_forget(Timestamp cutoff);
  void complete(const ObjectStore::ExpireDone& done, const Failure& failure, Expired expired);

  const std::shared_ptr<Completions> completions_;
  const std::shared_ptr<Membership> membership_;
  const ExpireJob::Submit submit_;
  ExpireBacklog backlog_;
  Timestamp forgotten_{};
};

}  // namespace postoffice::postgres
