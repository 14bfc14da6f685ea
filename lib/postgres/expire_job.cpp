#include "postgres/expire_job.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "postgres/array_writer.hpp"
#include "postgres/parameters.hpp"

namespace postoffice::postgres {
namespace {

// Rows in one transaction, so that the changes after it do not wait long.
constexpr std::size_t max_ids = 10'000;

// About as many rows: a page of 8 KiB holds about 90.
constexpr std::uint64_t max_pages = 128;

// Rows that are named because they could not be deleted.
constexpr std::size_t refusals_max = 10'000;

Statement each_of(Statement statement) {
  return statement == Statement::expire_ids ? Statement::expire_ids_each
                                            : Statement::expire_pages_each;
}

// The place before the first row of a page.
std::string page_start(std::uint64_t page) {
  std::string bytes;
  append_int32(bytes, static_cast<std::uint32_t>(std::min<std::uint64_t>(page, 0xFFFFFFFE)));
  bytes.append(2, '\0');
  return bytes;
}

}  // namespace

Duration margin_of(const Expiry& expiry) {
  const bool unknown = expiry.watermark == Timestamp{};
  return unknown ? Duration(0) : std::max(Duration(0), expiry.watermark - expiry.cutoff);
}

ExpireJob::ExpireJob(Expiry expiry, Manners manners, Submit submit, Finished finished)
    : expiry_(std::move(expiry)),
      manners_(manners),
      submit_(std::move(submit)),
      finished_(std::move(finished)),
      cutoff_(timestamp(expiry_.cutoff)),
      margin_(interval(margin_of(expiry_))) {}

void ExpireJob::start() {
  // With the exclusive lock: an apply() that still creates rows under the old cutoff ends before
  // this begins, so the later deletes see all of those rows.
  Request request;
  if (manners_.wait_briefly) request.queries.push_back({Statement::lock_briefly});
  request.queries.push_back({Statement::lock_alone});
  request.queries.push_back({Statement::remember_cutoff, {cutoff_, margin_}});
  if (manners_.forget) {
    request.queries.push_back({Statement::forget_removals, {cutoff_}});
    request.queries.push_back({Statement::forget_held, {cutoff_}});
    request.queries.push_back({Statement::forget_stopped});
  }
  request.queries.push_back({Statement::table_pages});
  request.asker = Asker::expire;
  request.done = [self = shared_from_this()](const Failure& failure, std::vector<Result> results) {
    if (failure || results.empty()) {
      self->finished_(failure, {});
      return;
    }
    const PGresult& pages = *results.back();
    if (self->expiry_.scan) self->pages_ = static_cast<std::uint64_t>(int8_at(pages, 0, 0));
    const auto tables = std::max<std::int64_t>(1, int8_at(pages, 0, 1));
    self->pages_in_step_ =
        std::max<std::uint64_t>(1, max_pages / static_cast<std::uint64_t>(tables));
    if (self->tells_oldest()) self->result_.oldest_left = Timestamp::max();
    self->next();
  };
  submit_(std::move(request));
}

void ExpireJob::next() {
  if (next_id_ < expiry_.ids.size() && !expiry_.scan) {
    submit(next_ids());
  } else if (next_page_ < pages_) {
    submit(next_pages());
  } else {
    std::sort(result_.refused.begin(), result_.refused.end(),
              [](const Refusal& a, const Refusal& b) { return a.id < b.id; });
    finished_({}, std::move(result_));
  }
}

Query ExpireJob::next_ids() {
  const std::size_t count = std::min(max_ids, expiry_.ids.size() - next_id_);
  ArrayWriter ids(TypeId::int8, count);
  for (std::size_t end = next_id_ + count; next_id_ < end; ++next_id_) {
    ids.add_int8(expiry_.ids[next_id_]);
  }
  return {Statement::expire_ids, {ids.take(), cutoff_, margin_}};
}

Query ExpireJob::next_pages() {
  const std::string begin = page_start(next_page_);
  next_page_ += pages_in_step_;
  return {tells_oldest() ? Statement::expire_pages_and_tell : Statement::expire_pages,
          {cutoff_, begin, page_start(next_page_), margin_}};
}

void ExpireJob::add(const PGresult& result) {
  if (!tells_oldest()) {
    result_.deleted += std::strtoull(PQcmdTuples(const_cast<PGresult*>(&result)), nullptr, 10);
    return;
  }
  result_.deleted += static_cast<std::uint64_t>(int8_at(result, 0, 0));
  add_oldest(result, 0);
}

void ExpireJob::add_oldest(const PGresult& result, int row) {
  if (!tells_oldest() || PQgetisnull(&result, row, 1) != 0) return;
  result_.oldest_left = std::min(result_.oldest_left, time_at(result, row, 1));
}

void ExpireJob::add_each(const PGresult& result) {
  for (int row = 0; row < PQntuples(&result); ++row) {
    result_.deleted += static_cast<std::uint64_t>(int8_at(result, row, 0));
    add_oldest(result, row);
    if (PQgetisnull(&result, row, 2) != 0) continue;
    if (result_.refused.size() >= refusals_max) {
      result_.oldest_left = {};
    } else {
      result_.refused.push_back({.id = int8_at(result, row, 2),
                                 .code = text_at(result, row, 3),
                                 .reason = text_at(result, row, 4),
                                 .locked = boolean_at(result, row, 5)});
    }
  }
}

// First all rows in one statement. If a row cannot be deleted, again row by row, so that only that
// row stays.
void ExpireJob::submit(Query query, bool each) {
  Request request;
  Query again = query;
  again.statement = each_of(query.statement);
  request.queries = {{Statement::lock_shared}, std::move(query)};
  request.asker = Asker::expire;
  request.by_rows = !each;
  request.done = [self = shared_from_this(), each, again = std::move(again)](
                     const Failure& failure, std::vector<Result> results) {
    if (!each && may_be_about_rows(failure)) return self->submit(again, true);
    if (failure || results.empty()) {
      self->finished_(failure, {.deleted = self->result_.deleted, .oldest_left = {}});
      return;
    }
    each ? self->add_each(*results.back()) : self->add(*results.back());
    self->next();
  };
  submit_(std::move(request));
}

}  // namespace postoffice::postgres
