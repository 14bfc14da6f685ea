-- The floor of storing: the server makes the rows of a batch itself and upserts them, with nothing
-- to parse, send or answer. upsert_bench runs this with $1 = first id, $2 = rows, $3 = the time, one
-- transaction a batch, on the table that the store made.
INSERT INTO objects AS o (id, online, last_seen, fetched_at)
SELECT g, true, $3::timestamptz, $3::timestamptz
FROM generate_series($1::bigint, $1::bigint + $2::bigint - 1) AS g
ON CONFLICT (id) DO UPDATE
SET online = excluded.online, last_seen = excluded.last_seen, fetched_at = excluded.fetched_at
