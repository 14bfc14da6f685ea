-- Version 3: rows that the database refuses, or that others have locked, leave the others alone.
-- Runs within migrate.sql.

-- Receipts that could not be written to their rows. Deletes check this table, too: a row is deleted
-- only if its last_seen and its held receipt both lie before the cutoff.
CREATE TABLE postoffice_held (
  id bigint PRIMARY KEY,
  last_seen timestamptz NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE postoffice_held IS
  'receipts that could not be written to their rows; these are not deleted before them';

-- Whether an error that each row given has may leave other rows alone.
--
-- An error that says nothing about rows (the server, its disk, its configuration, a right or a
-- column that is missing) is one of the whole call if it is that of every row given. But a row may
-- be given alone that is refused by a policy, or whose partition is on a full disk of its own: the
-- codes are those of a missing right and of a full server.
CREATE FUNCTION postoffice_only_some(code text, words text) RETURNS boolean
STABLE LANGUAGE sql AS $some$
  SELECT coalesce(CASE code
    WHEN '42501' THEN
      row_security_active('objects'::regclass)
      AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = 'objects'::regclass)
      AND has_table_privilege('objects', 'SELECT') AND has_table_privilege('objects', 'INSERT')
      AND has_table_privilege('objects', 'UPDATE') AND has_table_privilege('objects', 'DELETE')
    WHEN '53100' THEN (
      SELECT bool_or(part.is_full) AND NOT bool_and(part.is_full) FROM (
        SELECT EXISTS (
          SELECT FROM pg_class AS c WHERE c.reltablespace::text = f.place
          AND (c.oid = t.relid
               OR c.oid IN (SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid = t.relid)))
          AS is_full
        FROM pg_partition_tree('objects') AS t,
          substring(words FROM 'pg_tblspc/([0-9]+)/') AS f(place)
        WHERE t.isleaf) AS part)
    ELSE code !~ '^(0A|42|53|57)' END, false)
$some$;

-- Makes all changes that can be made. The others are returned, with the server's message, and their
-- receipts are held.
--
-- Rows that are locked are found without waiting. The others are tried together; if one of them is
-- refused, each half separately, and so on, each in a subtransaction. So a refused row costs about
-- twenty tries, and does not stop the others.
--
-- "what" is a sum: 1 a touch (fetched_at is -infinity) or an answer, 2 a removal, 4 the dead letter
-- is cleared, 8 a dead letter. "found": 1 no row for a touch, 2 the answer is late, 3 refused.
CREATE FUNCTION postoffice_apply_each(
  g_id bigint[], g_what int[], g_online boolean[], g_seen timestamptz[],
  g_fetched timestamptz[], g_received timestamptz[], g_failed timestamptz[],
  g_attempts int[], g_reason text[], g_cutoff timestamptz,
  OUT id bigint, OUT found int, OUT code text, OUT reason text, OUT locked boolean)
RETURNS SETOF record LANGUAGE plpgsql AS $each$
#variable_conflict use_column
DECLARE
  until timestamptz := clock_timestamp() + '1 s';
  bound timestamptz;
  rows_free bigint[];
  rows_locked bigint[];
  lows int[];
  highs int[];
  low int;
  high int;
  state text;
  words text;
  given int := coalesce(cardinality(g_id), 0);
  about_rows boolean := false;
BEGIN
  IF given = 0 THEN RETURN; END IF;
  SET CONSTRAINTS ALL IMMEDIATE;
  SELECT greatest(g_cutoff, max(e.cutoff)) INTO bound FROM postoffice_expiry AS e;

  SELECT coalesce(array_agg(f.id), '{}') INTO rows_free FROM (
    SELECT o.id FROM objects AS o WHERE o.id = ANY (ARRAY(
      SELECT g.id FROM unnest(g_id, g_what) AS g(id, what) WHERE g.what & 1 <> 0))
    FOR NO KEY UPDATE SKIP LOCKED) AS f;
  SELECT rows_free || coalesce(array_agg(f.id), '{}') INTO rows_free FROM (
    SELECT o.id FROM objects AS o WHERE o.id = ANY (ARRAY(
      SELECT g.id FROM unnest(g_id, g_what) AS g(id, what) WHERE g.what & 2 <> 0))
    FOR UPDATE SKIP LOCKED) AS f;
  SELECT coalesce(array_agg(l.id), '{}') INTO rows_locked FROM (
    SELECT o.id FROM objects AS o WHERE o.id = ANY (ARRAY(
      SELECT g.id FROM unnest(g_id, g_what) AS g(id, what) WHERE g.what & 3 <> 0))
    EXCEPT SELECT unnest(rows_free)) AS l;

  IF cardinality(rows_locked) > 0 THEN
    INSERT INTO postoffice_held AS h (id, last_seen)
      SELECT g.id, max(g.last_seen) FROM unnest(g_id, g_what, g_seen) AS g(id, what, last_seen)
      WHERE g.what & 3 <> 0 AND g.id = ANY (rows_locked) GROUP BY g.id
      ON CONFLICT (id) DO UPDATE SET last_seen = greatest(h.last_seen, excluded.last_seen);
    RETURN QUERY SELECT DISTINCT l, 3, '55P03', 'the row is locked by another transaction', true
      FROM unnest(rows_locked) AS l;
    SELECT array_agg(g.id ORDER BY n), array_agg(g.what ORDER BY n),
      array_agg(g.online ORDER BY n), array_agg(g.last_seen ORDER BY n),
      array_agg(g.fetched_at ORDER BY n), array_agg(g.received_at ORDER BY n),
      array_agg(g.failed_at ORDER BY n), array_agg(g.attempts ORDER BY n),
      array_agg(g.reason ORDER BY n)
    INTO g_id, g_what, g_online, g_seen, g_fetched, g_received, g_failed, g_attempts, g_reason
    FROM unnest(g_id, g_what, g_online, g_seen, g_fetched, g_received, g_failed, g_attempts,
                g_reason) WITH ORDINALITY AS g(id, what, online, last_seen, fetched_at,
                                               received_at, failed_at, attempts, reason, n)
    WHERE g.what & 3 = 0 OR NOT g.id = ANY (rows_locked);
    given := coalesce(cardinality(g_id), 0);
  END IF;

  lows := ARRAY[1];
  highs := ARRAY[given];
  WHILE cardinality(lows) > 0 LOOP
    low := lows[cardinality(lows)];
    high := highs[cardinality(highs)];
    lows := lows[:cardinality(lows) - 1];
    highs := highs[:cardinality(highs) - 1];
    CONTINUE WHEN high < low;
    BEGIN
      IF clock_timestamp() > until THEN
        RAISE EXCEPTION 'others took too long; it is tried again' USING ERRCODE = '57014';
      END IF;

      UPDATE objects AS o SET
        online = CASE WHEN o.fetched_at < g.fetched_at THEN g.online ELSE o.online END,
        last_seen = greatest(o.last_seen, g.last_seen),
        fetched_at = greatest(o.fetched_at, g.fetched_at)
      FROM unnest(g_id[low:high], g_what[low:high], g_online[low:high], g_seen[low:high],
                  g_fetched[low:high]) AS g(id, what, online, last_seen, fetched_at)
      WHERE o.id = ANY (ARRAY[g.id]) AND g.what & 1 <> 0
      AND (o.last_seen < g.last_seen OR o.fetched_at < g.fetched_at);

      INSERT INTO objects (id, online, last_seen, fetched_at)
      SELECT g.id, g.online, g.last_seen, g.fetched_at
      FROM unnest(g_id[low:high], g_what[low:high], g_online[low:high], g_seen[low:high],
                  g_fetched[low:high]) AS g(id, what, online, last_seen, fetched_at)
      WHERE g.what & 1 <> 0 AND g.fetched_at > '-infinity' AND g.last_seen >= bound
      AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = g.id OFFSET 0)
      AND NOT EXISTS (SELECT FROM postoffice_removed AS r
                      WHERE r.id = g.id AND r.fetched_at >= g.fetched_at OFFSET 0);

      DELETE FROM postoffice_removed AS r
      USING unnest(g_id[low:high], g_what[low:high], g_seen[low:high], g_fetched[low:high])
        AS g(id, what, last_seen, fetched_at)
      WHERE r.id = ANY (ARRAY[g.id]) AND g.what & 1 <> 0 AND r.fetched_at < g.fetched_at
      AND g.last_seen >= bound;

      DELETE FROM objects AS o
      USING unnest(g_id[low:high], g_what[low:high], g_fetched[low:high])
        AS g(id, what, fetched_at)
      WHERE o.id = ANY (ARRAY[g.id]) AND g.what & 2 <> 0 AND o.fetched_at <= g.fetched_at;

      UPDATE objects AS o SET last_seen = g.last_seen
      FROM unnest(g_id[low:high], g_what[low:high], g_seen[low:high], g_fetched[low:high])
        AS g(id, what, last_seen, fetched_at)
      WHERE o.id = ANY (ARRAY[g.id]) AND g.what & 2 <> 0 AND o.fetched_at > g.fetched_at
      AND o.last_seen < g.last_seen;

      INSERT INTO postoffice_removed AS r (id, fetched_at)
      SELECT g.id, g.fetched_at
      FROM unnest(g_id[low:high], g_what[low:high], g_fetched[low:high])
        AS g(id, what, fetched_at)
      WHERE g.what & 2 <> 0 AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = g.id OFFSET 0)
      ON CONFLICT (id) DO UPDATE SET fetched_at = excluded.fetched_at
      WHERE r.fetched_at < excluded.fetched_at;

      DELETE FROM dead_letters AS d
      USING unnest(g_id[low:high], g_what[low:high]) AS g(id, what)
      WHERE d.id = ANY (ARRAY[g.id]) AND g.what & 4 <> 0;

      INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)
      SELECT g.id, g.received_at, g.failed_at, g.attempts, g.reason
      FROM unnest(g_id[low:high], g_what[low:high], g_received[low:high], g_failed[low:high],
                  g_attempts[low:high], g_reason[low:high])
        AS g(id, what, received_at, failed_at, attempts, reason)
      WHERE g.what & 8 <> 0
      ON CONFLICT (id) DO UPDATE SET received_at = excluded.received_at,
      failed_at = excluded.failed_at, attempts = excluded.attempts, reason = excluded.reason;

      DELETE FROM postoffice_held AS h
      USING unnest(g_id[low:high], g_what[low:high], g_seen[low:high]) AS g(id, what, last_seen)
      WHERE h.id = ANY (ARRAY[g.id]) AND g.what & 3 <> 0 AND h.last_seen <= g.last_seen;

      RETURN QUERY SELECT g.id, CASE WHEN g.fetched_at = '-infinity' THEN 1 ELSE 2 END,
        NULL::text, NULL::text, false
      FROM unnest(g_id[low:high], g_what[low:high], g_seen[low:high], g_fetched[low:high])
        AS g(id, what, last_seen, fetched_at)
      WHERE g.what & 1 <> 0 AND (g.fetched_at = '-infinity' OR g.last_seen < bound)
      AND NOT EXISTS (SELECT FROM objects AS o WHERE o.id = g.id OFFSET 0);
      about_rows := true;
    EXCEPTION WHEN OTHERS OR QUERY_CANCELED THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
      IF clock_timestamp() <= until AND (state = '57014' OR state ~ '^(25|57|58|XX)') THEN
        RAISE;  -- nobody's fault here
      END IF;
      IF low < high AND state <> '57014' THEN
        lows := lows || ARRAY[(low + high) / 2 + 1, low];
        highs := highs || ARRAY[high, (low + high) / 2];
      ELSE
        about_rows := about_rows OR postoffice_only_some(state, words);
        INSERT INTO postoffice_held AS h (id, last_seen)
          SELECT g.id, max(g.last_seen)
          FROM unnest(g_id[low:high], g_what[low:high], g_seen[low:high])
            AS g(id, what, last_seen)
          WHERE g.what & 3 <> 0 GROUP BY g.id
          ON CONFLICT (id) DO UPDATE SET last_seen = greatest(h.last_seen, excluded.last_seen);
        RETURN QUERY SELECT DISTINCT l, 3, state, left(words, 300), state IN ('55P03', '40P01')
          FROM unnest(g_id[low:high]) AS l;
      END IF;
    END;
  END LOOP;
  IF given > 0 AND NOT about_rows THEN
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = words;
  END IF;
END $each$;

-- The same for rows to delete. The last row returned has the number of those that went.
CREATE FUNCTION postoffice_expire_each(
  g_id bigint[], g_cutoff timestamptz,
  OUT id bigint, OUT code text, OUT reason text, OUT locked boolean, OUT gone bigint)
RETURNS SETOF record LANGUAGE plpgsql AS $each$
#variable_conflict use_column
DECLARE
  until timestamptz := clock_timestamp() + '1 s';
  due bigint[];
  rows_free bigint[];
  lows int[] := ARRAY[1];
  highs int[];
  low int;
  high int;
  state text;
  words text;
  deleted bigint := 0;
  went bigint;
BEGIN
  SET CONSTRAINTS ALL IMMEDIATE;
  due := ARRAY(SELECT o.id FROM objects AS o WHERE o.id = ANY (g_id) AND o.last_seen < g_cutoff
    AND NOT EXISTS (SELECT FROM postoffice_held AS h
                    WHERE h.id = o.id AND h.last_seen >= g_cutoff OFFSET 0));
  SELECT coalesce(array_agg(f.id ORDER BY f.id), '{}') INTO rows_free FROM (
    SELECT o.id FROM objects AS o WHERE o.id = ANY (due) AND o.last_seen < g_cutoff
    FOR UPDATE SKIP LOCKED) AS f;
  RETURN QUERY SELECT l.id, '55P03', 'the row is locked by another transaction', true, NULL::bigint
    FROM (SELECT unnest(due) AS id EXCEPT SELECT unnest(rows_free)) AS l;
  highs := ARRAY[cardinality(rows_free)];
  WHILE cardinality(lows) > 0 LOOP
    low := lows[cardinality(lows)];
    high := highs[cardinality(highs)];
    lows := lows[:cardinality(lows) - 1];
    highs := highs[:cardinality(highs) - 1];
    CONTINUE WHEN high < low;
    BEGIN
      IF clock_timestamp() > until THEN
        RAISE EXCEPTION 'others took too long; it is tried again' USING ERRCODE = '57014';
      END IF;
      DELETE FROM objects AS o WHERE o.id = ANY (rows_free[low:high]);
      GET DIAGNOSTICS went = ROW_COUNT;
      deleted := deleted + went;
    EXCEPTION WHEN OTHERS OR QUERY_CANCELED THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
      IF clock_timestamp() <= until AND (state = '57014' OR state ~ '^(25|57|58|XX)') THEN
        RAISE;
      END IF;
      IF low < high AND state <> '57014' THEN
        lows := lows || ARRAY[(low + high) / 2 + 1, low];
        highs := highs || ARRAY[high, (low + high) / 2];
      ELSE
        RETURN QUERY SELECT l, state, left(words, 300), state IN ('55P03', '40P01'), NULL::bigint
          FROM unnest(rows_free[low:high]) AS l;
      END IF;
    END;
  END LOOP;
  RETURN QUERY SELECT NULL::bigint, NULL::text, NULL::text, NULL::boolean, deleted;
END $each$;
