// One expire(), step by step: the cutoff first, then the rows in small transactions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "postgres/request.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// The span between the watermark of an expiry and its cutoff.
Duration margin_of(const Expiry& expiry);

class ExpireJob : public std::enable_shared_from_this<ExpireJob> {
 public:
  using Submit = std::function<void(Request)>;
  using Finished = std::function<void(const Failure&, Expired)>;

  struct Manners {
    bool forget = false;        ///< also delete old records of removals
    bool wait_briefly = false;  ///< for the lock: while it waits, no other session can write
  };

  ExpireJob(Expiry expiry, Manners manners, Submit submit, Finished finished);

  void start();

 private:
  bool tells_oldest() const { return expiry_.scan && expiry_.tell_oldest; }
  void next();
  void submit(Query query, bool each = false);
  void add(const PGresult& result);
  void add_each(const PGresult& result);
  void add_oldest(const PGresult& result, int row);
  Query next_ids();
  Query next_pages();

  const Expiry expiry_;
  const Manners manners_;
  const Submit submit_;
  const Finished finished_;
  const std::string cutoff_;  // as a parameter, like the next
  const std::string margin_;
  std::size_t next_id_ = 0;
  std::uint64_t next_page_ = 0;
  std::uint64_t pages_ = 0;  // of the largest partition
  std::uint64_t pages_in_step_ = 1;
  Expired result_;
};

}  // namespace postoffice::postgres
