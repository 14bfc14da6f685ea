"""The queue on disk."""
import os
import re
import statistics

import stage_ingress
from measure import figure, interleave, ratios
from programs import Wrk, end, free_port, google_benchmark, run as run_program

TITLE = "Journal"
DELAY_US = 1000


def floor(bench, size, delay_us=0, growing=False):
    """Flushes a second and median of the bare loop, which writes as much each time."""
    text = run_program([bench.programs.bench("floor_fdatasync"), bench.programs.work,
                        str(int(size)), "1", str(delay_us)] + (["growing"] if growing else []))
    rate, p50 = re.search(r"flushes/s (\d+)  p50 (\d+) us", text).groups()
    return {"rate": float(rate), "p50_us": float(p50)}


def load(bench, delay_us):
    """Appends of 100 ids, 256 under way at once, with a delay added to each flush."""
    entries = google_benchmark(bench.programs.bench("journal_bench"),
                               "^append/256/%d/" % delay_us,
                               environment={"POSTOFFICE_BENCH_DIRECTORY": bench.programs.work})
    return next(iter(entries.values()))


def under_load(bench, delay_us):
    size = load(bench, delay_us)["bytes/flush"]
    results = interleave({"journal": lambda: load(bench, delay_us),
                          "floor": lambda: floor(bench, size, delay_us)}, bench.pairs)
    flushes = [entry["flushes/s"] for entry in results["journal"]]
    bare = [entry["rate"] for entry in results["floor"]]
    delay = "%g ms added" % (delay_us / 1000) if delay_us else "no delay added"
    yield figure("flushes under load against the bare loop, " + delay, ratios(flushes, bare),
                 at_least=0.9 if delay_us == DELAY_US else None,
                 ours={"name": "journal", "rate": statistics.median(flushes), "appends_a_flush":
                       statistics.median(e["appends/flush"] for e in results["journal"])},
                 peer={"name": "pwrite + fdatasync", "rate": statistics.median(bare)})


def recycled(bench):
    """What it brings to write into files whose blocks are there, while PostgreSQL syncs, too."""
    if not bench.conninfo:
        return
    writer = bench.programs.start([bench.programs.bench("upsert_bench"), bench.conninfo, "500",
                                   "100000"])
    results = interleave({"recycled": lambda: floor(bench, 4096)["rate"],
                          "growing": lambda: floor(bench, 4096, growing=True)["rate"]}, bench.pairs)
    end(writer)
    yield figure("flushes of a recycled file against a growing one, PostgreSQL beside",
                 ratios(results["recycled"], results["growing"]), at_least=1.3,
                 ours={"name": "recycled", "rate": statistics.median(results["recycled"])},
                 peer={"name": "growing", "rate": statistics.median(results["growing"])})


def one_client(bench):
    """A single sender waits for one flush, and for what any answer takes. A flush after a pause takes
    longer than one of many without any, so there are two floors: the sum of a bare flush and an
    answer, and a server of one thread that does nothing but write, flush and answer."""
    servers = {"durable": lambda port: stage_ingress.start_ours(bench.programs, port, queue="one_client"),
               "accepted": lambda port: stage_ingress.start_ours(bench.programs, port),
               "inline": lambda port: stage_ingress.start_floor(bench.programs, port, file="inline",
                                                                inline=True)}
    turns = {}
    for name, start in servers.items():
        port = free_port()
        wrk = Wrk(bench.root, port, start(port), connections=1)
        turns[name] = lambda wrk=wrk: wrk.measure(1)["p50_us"]
    turns["floor"] = lambda: floor(bench, 4096)["p50_us"]
    results = interleave(turns, bench.pairs)
    least = [a + b for a, b in zip(results["floor"], results["accepted"])]
    ours = {"name": "durable", "p50_us": statistics.median(results["durable"])}
    yield figure("one client's median latency against fdatasync + 202 not durable",
                 ratios(results["durable"], least), at_most=1.15, ours=ours,
                 peer={"name": "the two", "p50_us": statistics.median(least)})
    yield figure("one client's median latency against one thread that writes, flushes and answers",
                 ratios(results["durable"], results["inline"]), at_most=1.15, ours=ours,
                 peer={"name": "bare epoll", "p50_us": statistics.median(results["inline"])})


def cost_of_an_append(bench):
    """Of the whole process: appending, flushing, reading and acknowledging, as fast as it goes."""
    samples = []
    for _ in range(bench.pairs):
        entry = next(iter(google_benchmark(
            bench.programs.bench("journal_bench"), "^append/100000/0/",
            environment={"POSTOFFICE_BENCH_DIRECTORY": bench.programs.work}).values()))
        samples.append(entry["cpu_time"] / 1e3)
    yield figure("processor time of an append of 100 ids, reader included", samples, unit="µs")


def bytes_of_a_callback(bench):
    entries = google_benchmark(bench.programs.bench("journal_bench"), "^encode/", 0.01)
    for name, entry in entries.items():
        below = int(name.split("/")[1])
        yield figure("bytes of a record against the JSON, 100 ids below %s" % format(below, ","),
                     [entry["share_of_json"]], at_most=0.35)


def opening(bench):
    """A queue that a run before has left full, read from the disk."""
    text = run_program([bench.programs.bench("recovery_bench"), bench.programs.work,
                        "250" if bench.quick else "1000"])
    yield figure("opening a queue, a GB of records left",
                 [float(value) for value in re.findall(r"([\d.]+) s a GB", text)], at_most=1, unit="s",
                 note=re.search(r"[\d.]+ GB, \d+ callbacks", text).group(0))


def run(bench):
    yield from under_load(bench, bench.flush_delay_us or DELAY_US)
    if not bench.flush_delay_us and not bench.quick:
        yield from under_load(bench, 0)
    yield from recycled(bench)
    yield from one_client(bench)
    if not bench.flush_delay_us:
        yield from cost_of_an_append(bench)
    yield from bytes_of_a_callback(bench)
    yield from opening(bench)
