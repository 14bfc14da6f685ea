#!/usr/bin/env bash
# What a row costs in PostgreSQL: bytes of table, index and write-ahead log, and the time to touch, to
# look through and to delete rows. The constants of docs/scaling.md (scripts/capacity.py) come from it.
#   tests/support/postgres_cluster.sh run bench/row_cost.sh POSTOFFICED [ROWS [BATCH]]
set -euo pipefail

daemon=${1:?usage: row_cost.sh POSTOFFICED [ROWS [BATCH]]}
rows=${2:-1000000}
batch=${3:-2000}
conninfo=${POSTOFFICE_TEST_POSTGRES:?run it by tests/support/postgres_cluster.sh run}

sql() { psql -X -q -At -v ON_ERROR_STOP=1 -d "$conninfo" "$@"; }
wal() { sql -c "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"; }
now() { date +%s%6N; }
# 1,234.5 from two whole numbers
ratio() { awk -v a="$1" -v b="$2" -v digits="${3:-1}" 'BEGIN { printf "%.*f", digits, a / b }'; }

# Touches every row once, in batches of neighbours as hashing gives them: spread over the table.
touch_all() {
  sql -c "SET synchronous_commit = off" -c "SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off" -c "
    DO \$\$
    DECLARE
      slices int := $rows / $batch;
    BEGIN
      FOR part IN 0 .. slices - 1 LOOP
        UPDATE objects AS o SET last_seen = given.last_seen
        FROM (SELECT unnest(array_agg(id ORDER BY id)) AS id, now() + interval '$1 s' AS last_seen
              FROM generate_series(part::bigint, $rows - 1, slices) AS id) AS given
        WHERE o.id = given.id AND o.last_seen < given.last_seen;
        COMMIT;
      END LOOP;
    END \$\$"
}

"$daemon" migrate --store "$conninfo" >/dev/null
sql -c "INSERT INTO objects SELECT id, id % 2 = 0, now(), now()
        FROM generate_series(0::bigint, $rows - 1) AS id" -c "VACUUM ANALYZE objects" -c CHECKPOINT
echo "table bytes a row:          $(ratio "$(sql -c "SELECT pg_relation_size('objects')")" "$rows")"
echo "index bytes a row:          $(ratio "$(sql -c "SELECT pg_relation_size('objects_pkey')")" "$rows")"

touch_all 1 # the first one writes every page whole, for the checkpoint above
before=$(wal) begin=$(now)
touch_all 2
taken=$(($(now) - begin))
echo "WAL bytes a touch:          $(ratio $(($(wal) - before)) "$rows")"
echo "touches a second, one session: $(ratio $((rows * 1000000)) "$taken" 0)"
sql -c CHECKPOINT
before=$(wal)
touch_all 3
echo "WAL bytes a touch, first after a checkpoint: $(ratio $(($(wal) - before)) "$rows")"
echo "table bytes a row, touched: $(ratio "$(sql -c "SELECT pg_relation_size('objects')")" "$rows")"
sleep 1 # counters reach the statistics with a delay
echo "HOT share of updates:       $(sql -c "SELECT round(n_tup_hot_upd::numeric / n_tup_upd, 3)
                                           FROM pg_stat_user_tables WHERE relname = 'objects'")"

begin=$(now)
sql -c "SELECT count(*) FROM objects WHERE last_seen < 'epoch'" >/dev/null
echo "rows looked at a second:    $(ratio $((rows * 1000000)) $(($(now) - begin)) 0)"
begin=$(now)
sql -c "DELETE FROM objects WHERE id IN (SELECT generate_series(0::bigint, $rows - 1, 10))"
echo "rows deleted a second:      $(ratio $((rows * 100000)) $(($(now) - begin)) 0)"
