"""The decisions: core_bench, which says itself what it measures."""
from measure import figure
from programs import google_benchmark

TITLE = "Core"


def run(bench):
    runs = [google_benchmark(bench.programs.bench("core_bench"), ".", 0.05 if bench.quick else 0.2)
            for _ in range(2 if bench.quick else bench.pairs)]
    for name in runs[0]:
        entries = [run[name] for run in runs]
        if "items_per_second" in entries[0]:
            yield figure(name + ", per second",
                         [entry["items_per_second"] / 1e6 for entry in entries], unit="million",
                         at_least=10 if "transition" in name else None)
        for counter in entries[0]:
            if "bytes" in counter and "per_second" not in counter:
                yield figure(name + ", " + counter.replace("_", " "),
                             [entry[counter] for entry in entries], unit="bytes",
                             at_most=32 if "known" in counter else None)
