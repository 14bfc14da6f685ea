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

/// A row that the store will not write or delete, although it is there and takes others.
struct Refusal {
  ObjectId id = 0;
  std::string code{};    ///< as the store names it: an SQLSTATE, say
  std::string reason{};  ///< in the store's own words
  bool locked = false;   ///< somebody is using the row; it will not take long, or should not
};

/// Why a call has failed, as the store itself says it. Empty where it says nothing: then the error
/// code has to do.
struct StoreFailure {
  std::string code{};    ///< as Refusal
  std::string reason{};  ///< as Refusal
};

/// A row that the store refuses while it takes others, or that somebody has locked. It is tried
/// again by itself; an answer becomes a dead letter after PipelineOptions::ttl.
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

  /// Answers that remove the row instead (offline, where only online objects are kept): unless the
  /// row's fetched_at is newer. An answer with an older fetched_at does not bring it back (S5).
  std::vector<Object> removals{};

  /// Dead letters to add or replace, and ids whose dead letter is cleared (if they have one).
  std::vector<DeadLetter> dead_letters{};
  std::vector<ObjectId> cleared{};

  /// Receipts of rows that were refused lately. They are not written to the rows, but kept beside
  /// them: a row is deleted only if its last_seen and its held receipt are both before the cutoff.
  std::vector<Touch> held{};

  /// Rows are told apart: what can be changed is changed, and the rest is named in
  /// Applied::refused. Without it one row may make all of it fail, with Error::rejected.
  bool each = false;

  /// No row is created with a last_seen before this. The store also remembers the largest cutoff
  /// of any expire() that looked at rows and applies that, across restarts.
  Timestamp cutoff{};
};

/// What a transaction found.
struct Applied {
  std::vector<ObjectId> missing;  ///< touched ids that have no row
  std::vector<ObjectId> late;     ///< answers refused because of the cutoff

  /// Sorted by id. Of each nothing was changed, or not all; its receipt is held (Changes::held).
  std::vector<Refusal> refused{};

  StoreFailure failure{};  ///< with an error only, and then the rest is empty
};

struct Expiry {
  Timestamp cutoff{};           ///< rows with last_seen < cutoff go
  std::vector<ObjectId> ids{};  ///< look at these rows (sorted, distinct) …
  bool scan = false;            ///< … or at all of them

  /// For a store that several queues share (others ignore these). Every callback of this queue that
  /// was stamped before `watermark` is in the store; `cutoff` lies one ttl before it. The store
  /// deletes only what lies one ttl before the watermarks of all queues.
  Timestamp watermark{};
  Timestamp as_of{};  ///< by the clock, just before the queue was asked how far it has come

  bool tell_oldest = false;  ///< a scan is to find out Expired::oldest_left
};

/// What an expiry did.
struct Expired {
  std::uint64_t deleted = 0;

  /// After a scan that was to tell: no row that it left was received before this (max: it left
  /// none). Until then the pipeline need not scan for rows of earlier runs again. The epoch if that
  /// is not known.
  Timestamp oldest_left{};

  /// Rows that are old enough and could not be deleted, by id or by the scan, sorted by id; some of
  /// them, if they are many (then `oldest_left` is the epoch).
  std::vector<Refusal> refused{};

  StoreFailure failure{};  ///< with an error only
};

/// A table of objects and one of dead letters, as the pipeline needs them. To look into them is
/// another matter: ObjectReader.
///
/// Durability: a completion without error means the change survives a crash of this process and of
/// the store's machine; the queue forgets callbacks on the strength of it. With an error the
/// outcome is unknown; the pipeline applies the same changes again, so they must be idempotent.
///
/// Order: apply() calls take effect in the order they are made. Others may overtake them.
///
/// Refusals: a row that the store refuses, or that somebody has locked, must not stop the others
/// for longer than a fraction of a second. apply() fails with Error::rejected, is called again with
/// Changes::each and names the row. expire() passes by such rows and names them. A receipt that
/// could not be written to its row is held, durably: the pipeline takes it for written.
///
/// Availability: a store that cannot be reached fails its calls with Error::unavailable (at once,
/// or after a bounded wait), and reconnects by itself.
class ObjectStore {
 public:
  using ApplyDone = std::function<void(std::error_code, Applied)>;
  using ExpireDone = std::function<void(std::error_code, Expired)>;

  virtual ~ObjectStore() = default;

  virtual void apply(Changes changes, ApplyDone done) = 0;

  /// Deletes expired rows, re-checking `last_seen` in the deleting statement itself. A store that
  /// is shared may do that later, when the other queues have come as far.
  virtual void expire(Expiry expiry, ExpireDone done) = 0;
};

}  // namespace postoffice
