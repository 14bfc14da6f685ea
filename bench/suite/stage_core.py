"""The decisions alone: core_bench, beside a map and a mutex."""
import re

from measure import figure, interleave, ratios
from programs import google_benchmark, run as run_program

TITLE = "Core"
USUAL = 1_000_000


def rate(entry):
    return entry["items_per_second"] / 1e6


def resident(bench):
    """A process with a whole pipeline on the least of parts."""
    text = run_program([bench.programs.bench("memory_bench"), str(USUAL), "10000"])
    found = re.search(r"^fetches that hang.*:\s+([\d.]+) MiB", text, re.M)
    yield figure("resident, a million ids known and 10,000 fetches in flight", [float(found.group(1))],
                 at_most=128, unit="MiB")


def run(bench):
    program = bench.programs.bench("core_bench")

    def one(name):
        return next(iter(google_benchmark(program, "^%s/" % name).values()))

    def sample(name):
        return lambda: one(name)

    ours, peer = "transitions/%d" % USUAL, "map_and_mutex/%d" % USUAL
    results = interleave({name: sample(name) for name in (ours, peer)}, bench.pairs)
    rates = {name: [rate(entry) for entry in results[name]] for name in results}
    yield figure("id transitions a second, a million ids known", rates[ours], unit="million",
                 at_least=10)
    yield figure("the same against std::unordered_map and a mutex",
                 ratios(rates[ours], rates[peer]))
    yield figure("bytes of a known id, of a million",
                 [one("memory/%d" % USUAL)["bytes_per_known_id"]], unit="bytes", at_most=32)
    sizes = [10**power for power in range(3, 7 if bench.quick else 8)]
    curve = interleave({size: sample("transitions/%d" % size) for size in sizes}, 3)
    for size in sizes:
        yield figure("id transitions a second, %s known" % format(size, ","),
                     [rate(entry) for entry in curve[size]], unit="million")
    allocations = [entry.get("allocations_per_callback", 0) for entry in curve[USUAL]]
    yield figure("allocations a callback of 100 ids", allocations)
    yield from resident(bench)
