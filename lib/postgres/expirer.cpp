#include "postgres/expirer.hpp"

#include <algorithm>
#include <utility>

namespace postoffice::postgres {
namespace {

constexpr std::chrono::minutes between_forgetting{1};

}  // namespace

Expirer::Expirer(std::shared_ptr<Completions> completions, std::shared_ptr<Membership> membership,
                 ExpireJob::Submit submit)
    : completions_(std::move(completions)),
      membership_(std::move(membership)),
      submit_(std::move(submit)) {}

void Expirer::expire(Expiry expiry, ObjectStore::ExpireDone done) {
  if (membership_) return expire_with_others(std::move(expiry), std::move(done));
  start(std::move(expiry), [self = shared_from_this(), done = std::move(done)](
                               const Failure& failure, Expired expired) {
    self->complete(done, failure, std::move(expired));
  });
}

// First publishes this queue's watermark; deletes that the others' watermarks do not allow yet
// wait.
void Expirer::expire_with_others(Expiry expiry, ObjectStore::ExpireDone done) {
  const auto told = [self = shared_from_this(), expiry, done = std::move(done)](
                        const Failure& failure, Timestamp all) {
    if (failure) return self->complete(done, failure, {});
    const bool known = all != Timestamp::min();
    const auto others = known ? all - margin_of(expiry) : Timestamp{};
    self->expire_reached(expiry, std::min(expiry.cutoff, others), done);
  };
  membership_->publish(expiry, told);
}

void Expirer::expire_reached(const Expiry& expiry, Timestamp reached,
                             ObjectStore::ExpireDone done) {
  Expiry due = backlog_.due(expiry, reached);
  if (due.ids.empty() && !due.scan) {
    backlog_.done(expiry, reached);
    return complete(done, {}, {});
  }
  start(std::move(due), [self = shared_from_this(), expiry, reached, done = std::move(done)](
                            const Failure& failure, Expired expired) {
    if (!failure) self->backlog_.done(expiry, reached);
    self->complete(done, failure, std::move(expired));
  });
}

void Expirer::start(Expiry expiry, ExpireJob::Finished finished) {
  const ExpireJob::Manners manners{.forget = is_time_to_forget(expiry.cutoff),
                                   .wait_briefly = membership_ != nullptr};
  std::make_shared<ExpireJob>(std::move(expiry), manners, submit_, std::move(finished))->start();
}

bool Expirer::is_time_to_forget(Timestamp cutoff) {
  if (cutoff < forgotten_ + between_forgetting) return false;
  forgotten_ = cutoff;
  return true;
}

void Expirer::complete(const ObjectStore::ExpireDone& done, const Failure& failure,
                       Expired expired) {
  if (failure) expired.failure = words_of(failure);
  completions_->add([done, code = failure.code, expired = std::move(expired)]() mutable {
    done(code, std::move(expired));
  });
}

}  // namespace postoffice::postgres
