-- Statements that delete expired rows.

-- name: remember_cutoff
UPDATE postoffice_expiry SET cutoff = ?1 WHERE cutoff < ?1;

-- name: forget_removals
DELETE FROM postoffice_removed WHERE fetched_at < ?1;

-- name: forget_held
DELETE FROM postoffice_held WHERE last_seen < ?1;

-- name: delete_expired
DELETE FROM objects
WHERE id = ?1 AND last_seen < ?2
  AND NOT EXISTS (SELECT 1 FROM postoffice_held AS h WHERE h.id = ?1 AND h.last_seen >= ?2);

-- name: expired_ids
SELECT id FROM objects WHERE id >= ?1 AND last_seen < ?2 ORDER BY id LIMIT ?3;

-- name: oldest
SELECT ifnull(min(last_seen), ?1)
FROM (SELECT last_seen FROM objects WHERE last_seen >= ?2
      UNION ALL SELECT last_seen FROM postoffice_held WHERE last_seen >= ?2);
