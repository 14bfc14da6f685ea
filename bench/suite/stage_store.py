"""Storing in PostgreSQL: upsert_bench, expiry_bench, and what a row costs."""
import re

from measure import figure
from programs import run as run_program
from row_cost import row_cost

TITLE = "Storing, batches of 2,000"
BATCH = 2_000
LARGEST_BATCH = 4_096  # PipelineOptions::batch_rows_max
PAIR = re.compile(r"store\s+([\d.]+) rows/s, server-side\s+([\d.]+) rows/s, ratio ([\d.]+); "
                  r"not waiting at commits\s+([\d.]+) rows/s, gain ([\d.]+)")


def expiry(bench):
    """Rows kept alive, then as many that come and go; in a server that has nothing left to clean up."""
    conninfo = bench.programs.postgres()
    rows = 100_000 if bench.quick else 1_000_000
    text = run_program([bench.programs.bench("expiry_bench"), conninfo, str(rows)])
    share = re.search(r"all received again: expiry takes ([\d.]+) %", text)
    yield figure("store's time for expiry while %s rows live" % format(rows, ","), [float(share.group(1))],
                 at_most=3, unit="%")
    found = re.search(r"each received once: expiry takes ([\d.]+) % of the time, (\d+) rows expired, "
                      r"late by median ([\d.]+) s, p99 ([\d.]+) s", text)
    yield figure("rows go late, p99, %s rows each living 30 s" % format(rows, ","), [float(found.group(4))],
                 at_most=1, unit="s",
                 note="median %s s; %s rows deleted in 20 s, for %s %% of the store's time" % (
                     found.group(3), format(int(found.group(2)), ","), found.group(1)))


def gain(pairs, batch):
    """Of --synchronous-commit=false (decision 0025)."""
    middle = sorted(pairs, key=lambda pair: pair[4])[len(pairs) // 2]
    return figure("rows a second, not waiting at commits of %s against waiting" % format(batch, ","),
                  [pair[4] for pair in pairs], ours={"name": "not waiting", "rate": middle[3]},
                  peer={"name": "waiting", "rate": middle[0]})


def upserts(bench, conninfo, batch):
    text = run_program([bench.programs.bench("upsert_bench"), conninfo, str(batch), str(bench.pairs)])
    return text, [[float(value) for value in pair] for pair in PAIR.findall(text)]


def run(bench):
    conninfo = bench.programs.postgres(bench.flush_delay_us)
    text, pairs = upserts(bench, conninfo, BATCH)
    middle = sorted(pairs, key=lambda pair: pair[2])[len(pairs) // 2]
    yield figure("upserts against the server's own INSERT … SELECT", [pair[2] for pair in pairs],
                 at_least=0.8, ours={"name": "store", "rate": middle[0]},
                 peer={"name": "server-side", "rate": middle[1]})
    hot = re.search(r"HOT updates: ([\d.]+) of all", text)
    if hot and not bench.flush_delay_us:
        yield figure("HOT updates of all", [float(hot.group(1))], at_least=0.97)
    yield gain(pairs, BATCH)
    yield gain(upserts(bench, conninfo, LARGEST_BATCH)[1], LARGEST_BATCH)
    if not bench.flush_delay_us:
        yield from expiry(bench)
        yield from row_cost(bench)
