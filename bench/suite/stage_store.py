"""Storing in PostgreSQL: upsert_bench, and expiry_bench."""
import os
import re

from measure import figure
from programs import run as run_program

TITLE = "Storing, batches of 2,000"
PAIR = re.compile(r"store\s+([\d.]+) rows/s, server-side\s+([\d.]+) rows/s, ratio ([\d.]+)")


def run(bench):
    if not bench.conninfo:
        return
    text = run_program([bench.programs.bench("upsert_bench"), bench.conninfo, "2000",
                        str(bench.pairs)])
    pairs = [[float(value) for value in pair] for pair in PAIR.findall(text)]
    middle = sorted(pairs, key=lambda pair: pair[2])[len(pairs) // 2]
    yield figure("upserts against the server's own INSERT … SELECT", [pair[2] for pair in pairs],
                 at_least=0.8, ours={"name": "store", "rate": middle[0]},
                 peer={"name": "server-side", "rate": middle[1]})
    hot = re.search(r"HOT updates: ([\d.]+) of all", text)
    if hot:
        yield figure("HOT updates of all", [float(hot.group(1))], at_least=0.97)
