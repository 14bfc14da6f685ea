-- Statements that write: one call of ObjectStore::apply() runs some of these in one transaction.

-- name: has_row
SELECT 1 FROM objects WHERE id = ?1;

-- name: touch
UPDATE objects SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2;

-- The answer to a later fetch wins, and so does a later receipt.
-- name: update
UPDATE objects SET
  online = CASE WHEN fetched_at < ?4 THEN ?2 ELSE online END,
  last_seen = max(last_seen, ?3),
  fetched_at = max(fetched_at, ?4)
WHERE id = ?1 AND (last_seen < ?3 OR fetched_at < ?4);

-- Removed by an answer at least as new: an older one does not bring the row back.
-- name: is_removed
SELECT 1 FROM postoffice_removed WHERE id = ?1 AND fetched_at >= ?2;

-- name: create
INSERT INTO objects (id, online, last_seen, fetched_at) VALUES (?1, ?2, ?3, ?4);

-- Behind create.
-- name: revive
DELETE FROM postoffice_removed WHERE id = ?1;

-- name: remove
DELETE FROM objects WHERE id = ?1 AND fetched_at <= ?2;

-- name: remember_removal
INSERT INTO postoffice_removed (id, fetched_at) VALUES (?1, ?2)
ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at
WHERE fetched_at < excluded.fetched_at;

-- name: clear_dead_letter
DELETE FROM dead_letters WHERE id = ?1;

-- Columns that the user has added keep what is in them.
-- name: add_dead_letter
INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (id) DO UPDATE SET
  received_at = excluded.received_at,
  failed_at = excluded.failed_at,
  attempts = excluded.attempts,
  reason = excluded.reason;

-- name: hold
INSERT INTO postoffice_held (id, last_seen) VALUES (?1, ?2)
ON CONFLICT (id) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen);

-- name: any_held
SELECT 1 FROM postoffice_held LIMIT 1;

-- name: let_go
DELETE FROM postoffice_held WHERE id = ?1 AND last_seen <= ?2;

-- name: cutoff
SELECT cutoff FROM postoffice_expiry;
