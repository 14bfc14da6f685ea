-- The queries of pages and commands. A reading session prepares nothing else: preparing a statement
-- locks its tables lightly, and preparing a writing one would take a stronger lock than a reader
-- may.

-- $2: only those with this status, if it is not null.
-- name: find_one
SELECT id, online, last_seen, fetched_at FROM objects WHERE id = $1
AND ($2::boolean IS NULL OR online = $2);

-- name: find_page
SELECT id, online, last_seen, fetched_at FROM objects WHERE id >= $1
AND ($2::boolean IS NULL OR online = $2) ORDER BY id LIMIT $3::bigint;

-- name: find_dead_letters
SELECT id, received_at, failed_at, attempts, reason FROM dead_letters WHERE id >= $1
AND failed_at >= $3::timestamptz AND strpos(reason, $4::text) > 0
ORDER BY id LIMIT $2::bigint;

-- A statement of its own, so that a few ids are looked up by key among any number of letters.
-- name: find_dead_letters_among
SELECT id, received_at, failed_at, attempts, reason FROM dead_letters
WHERE id = ANY($5::bigint[]) AND id >= $1
AND failed_at >= $3::timestamptz AND strpos(reason, $4::text) > 0
ORDER BY id LIMIT $2::bigint;

-- name: count_objects
SELECT count(*), count(*) FILTER (WHERE online), coalesce(max(id), 0) FROM
(SELECT id, online FROM objects WHERE id >= $1 ORDER BY id LIMIT $2::bigint) AS next;

-- name: count_dead_letters
SELECT count(*), 0::bigint, coalesce(max(id), 0) FROM
(SELECT id FROM dead_letters WHERE id >= $1 ORDER BY id LIMIT $2::bigint) AS next;
