"""What a row costs in PostgreSQL, as docs/scaling.md reckons with it: bytes of table, of index and of
the write-ahead log, and how fast one session touches, looks through and deletes rows."""
import os
import re

from daemon import url_of
from measure import figure
from programs import run as run_program

BATCH = 2_000

# Touches every row once, in batches of neighbours as hashing gives them: spread over the table.
TOUCH_ALL = """
DO $$
DECLARE
  slices int := {rows} / {batch};
BEGIN
  FOR part IN 0 .. slices - 1 LOOP
    UPDATE objects AS o SET last_seen = given.last_seen
    FROM (SELECT unnest(array_agg(id ORDER BY id)) AS id, now() + interval '{later} s' AS last_seen
          FROM generate_series(part::bigint, {rows} - 1, slices) AS id) AS given
    WHERE o.id = given.id AND o.last_seen < given.last_seen;
    COMMIT;
  END LOOP;
END $$"""
# The plan of the store's own statement (lib/postgres), and no wait for the disk, which is not asked about.
TOUCH_SETTINGS = """SET synchronous_commit = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off"""


class Table:
    def __init__(self, bench, rows):
        self._conninfo = bench.programs.postgres()
        self.rows = rows
        run_program([os.path.join(bench.programs.build, "apps/postofficed/postofficed"), "migrate",
                     "--store", url_of(self._conninfo)])
        self.sql("INSERT INTO objects SELECT id, id % 2 = 0, now(), now() FROM "
                 "generate_series(0::bigint, {} - 1) AS id".format(rows), "VACUUM ANALYZE objects",
                 "CHECKPOINT")

    def sql(self, *statements):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self._conninfo]
        for statement in statements:
            command += ["-c", statement]
        return run_program(command).strip()

    def number(self, expression):
        return float(self.sql("SELECT " + expression))

    def touch_all(self, later):
        """Bytes of write-ahead log, and seconds."""
        log = "pg_current_wal_lsn() - '0/0'::pg_lsn"
        before = self.number(log)
        taken = self.seconds(TOUCH_ALL.format(rows=self.rows, batch=BATCH, later=later), TOUCH_SETTINGS)
        return self.number(log) - before, taken

    def seconds(self, statement, *settings):
        """As psql tells: starting it and connecting are left out."""
        text = self.sql(*settings, "\\timing on", statement)
        return float(re.search(r"^Time: ([\d.]+) ms", text, re.M).group(1)) / 1000


def row_cost(bench):
    rows = 100_000 if bench.quick else 1_000_000
    table = Table(bench, rows)

    def of_a_row(name, total, unit="bytes"):
        return figure("a row: " + name, [total / rows], unit=unit)

    def a_second(name, count, seconds):
        return figure("rows a second, one session: " + name, [count / seconds])

    yield of_a_row("table", table.number("pg_relation_size('objects')"))
    yield of_a_row("index", table.number("pg_relation_size('objects_pkey')"))
    after_checkpoint, _ = table.touch_all(1)
    log, seconds = table.touch_all(2)
    yield of_a_row("write-ahead log of a touch", log)
    yield of_a_row("the same, first touch after a checkpoint", after_checkpoint)
    yield a_second("touched", rows, seconds)
    yield a_second("looked at", rows, table.seconds("SELECT count(*) FROM objects WHERE last_seen < 'epoch'"))
    yield a_second("deleted", rows / 10, table.seconds(
        "DELETE FROM objects WHERE id IN (SELECT generate_series(0::bigint, %d, 10))" % (rows - 1)))
