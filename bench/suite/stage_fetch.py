"""Fetching: fetch_bench.sh, beside Go's net/http where Go is installed; what follows a source whose
capacity changes; a callback of 200 ids against its slowest answer."""
import re

from measure import figure, ratios
from programs import run as run_program

TITLE = "Fetching"
LINE = re.compile(r"^\s*\d+\s+(ours|go)\s+rate ([\d.]+) of possible, ([\d.]+) us a fetch, "
                  r"([\d.-]+) bytes a fetch in flight, (\d+) failed$", re.M)


def run(bench):
    yield from fan_out(bench)
    text = run_program(["bash", bench.root + "/bench/follow_bench.sh", bench.programs.build,
                        "1000", "6", "2" if bench.quick else "7"])
    yield figure("rate while the source's capacity halves and doubles, against it",
                 [float(ratio) for ratio in re.findall(r"ratio ([\d.]+)", text)], at_least=0.95)
    text = run_program(["bash", bench.root + "/bench/cold_bench.sh", bench.programs.build])
    for pool, ratio in re.findall(r"^(cold|warm) pool: .* ratio ([\d.]+)$", text, re.M):
        yield figure("200 ids against their slowest answer, %s pool" % pool, [float(ratio)],
                     at_most=1.03 if pool == "cold" else 1.01)


def fan_out(bench):
    for in_flight in (1000,) if bench.quick else (1000, 10000):
        text = run_program(["bash", bench.root + "/bench/fetch_bench.sh", bench.programs.build,
                            str(bench.pairs), "2" if bench.quick else "5", str(in_flight)])
        lines = LINE.findall(text)

        def values(client, column):
            return [float(line[column]) for line in lines if line[0] == client]
        label = ", %s in flight" % format(in_flight, ",")
        yield figure("rate against concurrency / mean latency" + label, values("ours", 1),
                     at_least=0.97)
        yield figure("failed fetches" + label, values("ours", 4), at_most=0)
        yield figure("resident bytes a fetch in flight" + label, values("ours", 3), unit="bytes",
                     at_most=2048)
        if values("go", 2):
            yield figure("processor time against Go's net/http" + label,
                         ratios(values("ours", 2), values("go", 2)), at_most=0.35,
                         ours={"name": "ours", "cpu_us": sorted(values("ours", 2))[len(lines) // 4]},
                         peer={"name": "net/http",
                               "cpu_us": sorted(values("go", 2))[len(lines) // 4]})
