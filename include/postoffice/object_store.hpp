// Seam: where objects are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice {

struct Touch {
  ObjectId id = 0;
  Timestamp last_seen{};
};

/// A row that the store does not write or delete, although the store works and takes other rows.
struct Refusal {
  ObjectId id = 0;
  std::string code{};    ///< the store's own code, an SQLSTATE for example
  std::string reason{};  ///< in the store's own words
  bool locked = false;   ///< another transaction holds the row, which should end soon
};

/// Why a call has failed, in the store's own words. Empty if it gives none: then there is only the
/// error code.
struct StoreFailure {
  std::string code{};    ///< as Refusal
  std::string reason{};  ///< as Refusal
};

/// A row that the store refuses while it takes others, or that another transaction has locked. It
/// is retried alone; an answer becomes a dead letter after PipelineOptions::ttl.
struct StuckRow {
  ObjectId id = 0;
  bool deleting = false;  ///< it has expired, and cannot be deleted
  bool locked = false;
  std::string code;    ///< as Refusal
  std::string reason;  ///< as Refusal
  Timestamp since{};
};

/// One transaction, in the order of the members. Each list is sorted by id and holds an id once. No
/// id is in `answers` and also in `touches` or `removals`.
struct Changes {
  /// Existing rows get `last_seen`, if it is newer. No row is created.
  std::vector<Touch> touches{};

  /// Rows to create or update: `last_seen` only grows, `online` comes from the largest
  /// `fetched_at` (S5). A new row is refused when its last_seen < cutoff (S6).
  std::vector<Object> answers{};

  /// Answers that remove the row instead (offline ones, with Keep::online), unless the row's
  /// fetched_at is newer. An answer with an older fetched_at does not bring it back (S5).
  std::vector<Object> removals{};

  /// Dead letters to add or replace, and ids whose dead letter is cleared (if they have one).
  std::vector<DeadLetter> dead_letters{};
  std::vector<ObjectId> cleared{};

  /// Receipts of rows that were refused recently. They are not written to the rows, but kept beside
  /// them: a row is deleted only if its last_seen and its held receipt are both before the cutoff.
  std::vector<Touch> held{};

  /// Rows are handled one by one: rows that can be changed are changed, and the others are listed
  /// in Applied::refused. Without it one row may make the whole call fail, with Error::rejected.
  bool each = false;

  /// No row is created with a last_seen before this. The store also remembers the largest cutoff
  /// of any expire() that examined rows, and applies that too, across restarts.
  Timestamp cutoff{};
};

/// What a transaction found.
struct Applied {
  std::vector<ObjectId> missing;  ///< touched ids that have no row
  std::vector<ObjectId> late;     ///< answers refused because of the cutoff

  /// Sorted by id. Not changed, or not in full; the receipt of each is held (Changes::held).
  std::vector<Refusal> refused{};

  StoreFailure failure{};  ///< only with an error, and then the rest is empty
};

struct Expiry {
  Timestamp cutoff{};           ///< rows with last_seen < cutoff go
  std::vector<ObjectId> ids{};  ///< examine these rows (sorted, distinct) …
  bool scan = false;            ///< … or at all of them

  /// For a store that several queues share (others ignore these). Every callback of this queue that
  /// was stamped before `watermark` is in the store; `cutoff` lies one ttl before it. The store
  /// deletes only what lies one ttl before the watermarks of all queues.
  Timestamp watermark{};
  Timestamp as_of{};  ///< the clock's time just before the queue's progress was read

  bool tell_oldest = false;  ///< a scan shall determine Expired::oldest_left
};

/// What an expiry did.
struct Expired {
  std::uint64_t deleted = 0;

  /// After a scan with tell_oldest: no row that the scan left was received before this (max: it
  /// left none). The pipeline need not scan again for rows of earlier runs until the cutoff passes
  /// this. The epoch if it is not known.
  Timestamp oldest_left{};

  /// Rows that have expired and could not be deleted, by id or by the scan, sorted by id. If there
  /// are many, only some of them (then `oldest_left` is the epoch).
  std::vector<Refusal> refused{};

  StoreFailure failure{};  ///< only with an error
};

/// A table of objects and one of dead letters, as the pipeline needs them. Reading them is for
/// ObjectReader.
///
/// Durability: a completion without error means the change survives a crash of this process and of
/// the store's machine; the queue relies on this to forget callbacks. With an error the outcome is
/// unknown; the pipeline applies the same changes again, so they must be idempotent.
///
/// Order: apply() calls take effect in the order they are made. Others may overtake them.
///
/// Refusals: a row that the store refuses, or that another transaction has locked, must not delay
/// the others for longer than a fraction of a second. apply() fails with Error::rejected; the
/// pipeline calls it again with Changes::each, and it names the row. expire() skips such rows and
/// names them. A receipt that could not be written to its row is held durably; the pipeline treats
/// it as written.
///
/// Availability: a store that cannot be reached fails its calls with Error::unavailable (at once,
/// or after a bounded wait), and reconnects by itself.
class ObjectStore {
 public:
  using ApplyDone = std::function<void(std::error_code, Applied)>;
  using ExpireDone = std::function<void(std::error_code, Expired)>;

  virtual ~ObjectStore() = default;

  virtual void apply(Changes changes, ApplyDone done) = 0;

  /// Deletes expired rows, re-checking `last_seen` in the deleting statement itself. A shared store
  /// may delete them later, when the watermarks of the other queues allow it.
  virtual void expire(Expiry expiry, ExpireDone done) = 0;
};

}  // namespace postoffice
