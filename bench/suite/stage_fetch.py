"""Fetching: fetch_bench.sh, beside Go's net/http where Go is installed; how the limit follows a source
whose capacity changes; a callback of 200 ids against its slowest answer."""
import re
import statistics

from measure import figure, ratios
from programs import run as run_program

TITLE = "Fetching"
LINE = re.compile(r"^\s*\d+\s+(ours|go)\s+rate ([\d.]+) of possible, ([\d.]+) us a fetch, "
                  r"([\d.-]+) bytes a fetch in flight, (\d+) failed$", re.M)


def run(bench):
    yield from fan_out(bench, 1000)
    if not bench.quick:
        yield from fan_out(bench, 10000)
        yield from fan_out(bench, 10000, latency=(300, 4000), seconds=12)
    yield from following(bench)
    text = run_program(["bash", bench.root + "/bench/cold_bench.sh", bench.programs.build])
    for pool, ratio in re.findall(r"^(cold|warm) pool: .* ratio ([\d.]+)$", text, re.M):
        yield figure("200 ids against their slowest answer, %s pool" % pool, [float(ratio)],
                     at_most=1.03 if pool == "cold" else 1.01)


def following(bench):
    text = run_program(["bash", bench.root + "/bench/follow_bench.sh", bench.programs.build,
                        "1000", "6", "2" if bench.quick else "7"])
    spans = re.findall(r"ratio ([\d.]+), ([\d.]+) refused an answer", text)
    yield figure("rate while the source's capacity halves and doubles, against it",
                 [float(ratio) for ratio, _ in spans], at_least=0.95)
    yield figure("refused for each answer meanwhile", [float(refused) for _, refused in spans])


def fan_out(bench, in_flight, latency=None, seconds=5):
    """With `latency` (at least, and more at most; ms) one run of ours, else in turns with Go's."""
    command = ["bash", bench.root + "/bench/fetch_bench.sh", bench.programs.build]
    if latency:
        command += ["1", str(seconds), str(in_flight), str(latency[0]), str(latency[1])]
    else:
        command += [str(bench.pairs), "2" if bench.quick else str(seconds), str(in_flight)]
    lines = LINE.findall(run_program(command))

    def values(client, column):
        return [float(line[column]) for line in lines if line[0] == client]
    label = ", %s in flight" % format(in_flight, ",")
    if latency:
        label += ", answers after %g to %g s" % (latency[0] / 1000, sum(latency) / 1000)
    yield figure("rate against concurrency / mean latency" + label, values("ours", 1), at_least=0.97)
    yield figure("failed fetches" + label, values("ours", 4), at_most=0)
    yield figure("resident bytes a fetch in flight" + label, values("ours", 3), unit="bytes",
                 at_most=2048)
    if latency or not values("go", 2):
        return
    yield figure("resident bytes of Go's net/http" + label, values("go", 3), unit="bytes")
    yield figure("processor time against Go's net/http" + label,
                 ratios(values("ours", 2), values("go", 2)), at_most=0.35,
                 ours={"name": "ours", "cpu_us": statistics.median(values("ours", 2))},
                 peer={"name": "net/http", "cpu_us": statistics.median(values("go", 2))})
