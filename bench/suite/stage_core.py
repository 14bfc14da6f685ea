"""The decisions alone: core_bench, beside a map and a mutex; memory_bench; a day in virtual time."""
import os
import re

from measure import figure, interleave, ratios
from programs import google_benchmark, run as run_program

TITLE = "Core"
USUAL = 1_000_000


def rate(entry):
    return entry["items_per_second"] / 1e6


def known(size):
    return "%s known" % format(size, ",")


def one(bench, name):
    return next(iter(google_benchmark(bench.programs.bench("core_bench"), "^%s/" % name).values()))


def curves(bench, sizes):
    """What the number of known ids does to a core of ours, and to a map with a mutex."""
    names = ["%s/%d" % (kind, size) for kind in ("transitions", "map_and_mutex") for size in sizes]
    results = interleave({name: (lambda name=name: one(bench, name)) for name in names}, 3)
    for size in sizes:
        entries = results["transitions/%d" % size]
        yield figure("id transitions a second, " + known(size), [rate(entry) for entry in entries],
                     unit="million")
        yield figure("processor time of a callback of 100 ids, " + known(size),
                     [entry["cpu_time"] / 1e3 for entry in entries], unit="µs")
    for size in sizes:
        yield figure("transitions of a map and a mutex, " + known(size),
                     [rate(entry) for entry in results["map_and_mutex/%d" % size]], unit="million")
    yield figure("allocations a callback of 100 ids", [
        entry["allocations_per_callback"] for entry in results["transitions/%d" % USUAL]])


def merging(bench, sizes):
    for size in sizes:
        entry = one(bench, "merged/%d" % size)
        yield figure("ids merged a second, %s waiting" % format(int(entry["waiting"]), ","),
                     [rate(entry)], unit="million")


def bytes_of_an_id(bench):
    for size in (800_000, 1_600_000) + (() if bench.quick else (10_000_000,)):
        yield figure("bytes of a known id, of " + format(size, ","),
                     [one(bench, "memory/%d" % size)["bytes_per_known_id"]], unit="bytes")
    yield figure("bytes of an id that waits, of a million",
                 [one(bench, "memory_waiting")["bytes_per_waiting_id"]], unit="bytes")
    entry = one(bench, "map_and_mutex/%d" % USUAL)
    yield figure("bytes of an id in the map, of a million", [entry["bytes_per_id"]], unit="bytes")


def growing(bench):
    """No callback may wait until all ids have been moved."""
    entry = one(bench, "worst_callback")
    yield figure("slowest callback of 100 ids from no id to ten million", [entry["worst_us"] / 1e3],
                 unit="ms", note="median %.0f µs, p99 %.0f µs" % (entry["median_us"], entry["p99_us"]))


def resident(bench):
    """A process with a whole pipeline on the least of parts."""
    text = run_program([bench.programs.bench("memory_bench"), str(USUAL), "10000"])

    def mib(line):
        return [float(re.search(r"^%s.*:\s+([\d.]+) MiB" % line, text, re.M).group(1))]
    yield figure("resident, a million ids known and 10,000 fetches in flight",
                 mib("fetches that hang"), at_most=128, unit="MiB")
    yield figure("resident, all of these waiting to be fetched again", mib("all received again"),
                 at_most=128, unit="MiB")


def long_run(bench):
    """Hours of callbacks in virtual time, source and store failing at times: pipeline_long_run_test."""
    hours = 6 if bench.quick else 24
    text = run_program([os.path.join(bench.programs.build, "tests/pipeline/pipeline_long_run_test"),
                        "--success"], env={**os.environ, "POSTOFFICE_HOURS": str(hours)})
    ids, early, warm, late = re.search(
        r"(\d+) ids, .* held: (\d+) KiB at most in the first (\d+) h, (\d+) KiB later", text).groups()
    yield figure("held at most in later hours against the first %s, %d h of callbacks" % (warm, hours),
                 [int(late) / int(early)], at_most=1.02,
                 note="%s ids; %s KiB, later %s KiB" % tuple(format(int(n), ",") for n in (ids, early, late)))


def run(bench):
    ours, peer = "transitions/%d" % USUAL, "map_and_mutex/%d" % USUAL
    results = interleave({name: (lambda name=name: one(bench, name)) for name in (ours, peer)},
                         2 * bench.pairs)
    rates = {name: [rate(entry) for entry in results[name]] for name in results}
    yield figure("id transitions a second, a million ids known", rates[ours], unit="million",
                 at_least=10)
    yield figure("the same against std::unordered_map and a mutex",
                 ratios(rates[ours], rates[peer]))
    yield figure("bytes of a known id, of a million",
                 [one(bench, "memory/%d" % USUAL)["bytes_per_known_id"]], unit="bytes", at_most=32)
    yield from bytes_of_an_id(bench)
    sizes = [10**power for power in range(3, 7 if bench.quick else 8)]
    yield from curves(bench, sizes)
    yield from merging(bench, [size for size in sizes if size != 10_000])
    yield from growing(bench)
    yield from resident(bench)
    yield from long_run(bench)
