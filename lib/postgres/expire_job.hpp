// One expire(), step by step: the cutoff first, then the rows in small transactions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "postgres/request.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

class ExpireJob : public std::enable_shared_from_this<ExpireJob> {
 public:
  using Submit = std::function<void(Request)>;
  using Finished = std::function<void(const Failure&, std::uint64_t deleted)>;

  /// `forget`: also delete what is remembered of removals for too long.
  ExpireJob(Expiry expiry, bool forget, Submit submit, Finished finished);

  void start();

 private:
  void remember_cutoff();
  void next();
  void submit(Query query);
  Query next_ids();
  Query next_pages();

  const Expiry expiry_;
  const bool forget_;
  const Submit submit_;
  const Finished finished_;
  const std::string cutoff_;  // as a parameter
  std::size_t next_id_ = 0;
  std::uint64_t next_page_ = 0;
  std::uint64_t pages_ = 0;
  std::uint64_t deleted_ = 0;
};

}  // namespace postoffice::postgres
