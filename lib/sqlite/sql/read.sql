-- The queries of pages and commands.

-- name: find
SELECT id, online, last_seen, fetched_at FROM objects
WHERE id BETWEEN ?1 AND ?2 AND (?3 < 0 OR online = ?3)
ORDER BY id LIMIT ?4;

-- name: find_dead_letters
SELECT id, received_at, failed_at, attempts, reason FROM dead_letters
WHERE id BETWEEN ?1 AND ?2 AND failed_at >= ?3 AND (?4 = '' OR instr(reason, ?4) > 0)
ORDER BY id LIMIT ?5;

-- name: count_objects
SELECT count(*), count(*) FILTER (WHERE online), coalesce(max(id), 0) FROM
(SELECT id, online FROM objects WHERE id >= ?1 ORDER BY id LIMIT ?2) AS next;

-- name: count_dead_letters
SELECT count(*), 0, coalesce(max(id), 0) FROM
(SELECT id FROM dead_letters WHERE id >= ?1 ORDER BY id LIMIT ?2) AS next;
