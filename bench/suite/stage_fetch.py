"""Fetching: beside Go's net/http, where Go is installed; how the limit follows a source whose capacity
changes; a callback of 200 ids against its slowest answer. The source has a core of its own."""
import os
import re
import shutil
import statistics
import time

from daemon import start_source
from measure import figure, interleave, ratios
from programs import pinned, run as run_program

TITLE = "Fetching"
CAPACITY, CHANGE_S, MEAN_LATENCY_S = 1000, 6, 0.6  # of the source that is followed
ANSWERED = re.compile(r"ratio ([\d.]+)\nfailed (\d+), CPU ([\d.]+) us a fetch, (-?\d+) bytes resident")


def source(bench, least_ms, spread_ms, *options):
    """Its URL. Answers come after `least_ms`, and up to `spread_ms` more."""
    return start_source(bench.programs, "--latency-min", "%dms" % least_ms, "--latency-spread",
                        "%dms" % spread_ms, *options, core=0)[1]


def clients(bench):
    programs = {"ours": bench.programs.bench("fetch_bench")}
    if shutil.which("go"):
        programs["go"] = os.path.join(bench.programs.work, "fetch_go")
        run_program(["go", "build", "-o", programs["go"], os.path.join(bench.root, "bench/peers/fetch_go.go")],
                    env={**os.environ, "GOCACHE": bench.programs.directory("go")})
    return programs


def fan_out(bench, programs, in_flight, latency_ms=None, *, pairs=None, seconds=5):
    """Many fetches in flight. Without `latency_ms` (at least, and how much more) there are 4,000 answers
    a second, however many that are."""
    least, spread = latency_ms or (in_flight // 20, in_flight * 2 // 5)
    url = source(bench, least, spread, "--seed", "1")
    mean = (least + spread / 2) / 1000

    def ask(program):
        text = run_program(pinned([program, url, str(in_flight), str(mean), str(seconds)], 1))
        return [float(number) for number in ANSWERED.search(text).groups()]

    turns = {name: (lambda program=program: ask(program)) for name, program in programs.items()}
    results = interleave(turns, pairs or bench.pairs)
    (rate, failed, cpu, resident), go = zip(*results["ours"]), results.get("go")
    label = ", %s in flight" % format(in_flight, ",")
    if latency_ms:
        label += ", answers after %g to %g s" % (least / 1000, (least + spread) / 1000)
    yield figure("rate against concurrency / mean latency" + label, rate, at_least=0.97)
    yield figure("failed fetches" + label, failed, at_most=0)
    yield figure("resident bytes a fetch in flight" + label, resident, unit="bytes", at_most=2048)
    if go:
        _, _, their_cpu, their_resident = zip(*go)
        yield figure("resident bytes of Go's net/http" + label, their_resident, unit="bytes")
        yield figure("processor time against Go's net/http" + label, ratios(cpu, their_cpu), at_most=0.35,
                     ours={"name": "ours", "cpu_us": statistics.median(cpu)},
                     peer={"name": "net/http", "cpu_us": statistics.median(their_cpu)})


def following(bench):
    """A whole pipeline; from five mean latencies after each change of the capacity on."""
    started = time.time()
    url = source(bench, 100, 1000, "--seed", "1", "--capacity", str(CAPACITY), "--capacity-change",
                 "%ds" % CHANGE_S)
    text = run_program([bench.programs.bench("follow_bench"), url, str(CAPACITY), str(CHANGE_S),
                        str(MEAN_LATENCY_S), "2" if bench.quick else "7", str(started)])
    spans = re.findall(r"ratio ([\d.]+), ([\d.]+) refused an answer", text)
    yield figure("rate while the source's capacity halves and doubles, against it",
                 [float(ratio) for ratio, _ in spans], at_least=0.95)
    yield figure("refused for each answer meanwhile", [float(refused) for _, refused in spans])


def cold_and_warm(bench):
    """A callback of 200 ids, every answer after 0.3 s: with no connection open, and with all of them."""
    text = run_program(pinned([bench.programs.bench("cold_bench"), source(bench, 300, 0), "0.3"], 1))
    for pool, ratio in re.findall(r"^(cold|warm) pool: .* ratio ([\d.]+)$", text, re.M):
        yield figure("200 ids against their slowest answer, %s pool" % pool, [float(ratio)],
                     at_most=1.03 if pool == "cold" else 1.01)


def run(bench):
    programs = clients(bench)
    yield from fan_out(bench, programs, 1000, seconds=2 if bench.quick else 5)
    if not bench.quick:
        yield from fan_out(bench, programs, 10000)
        yield from fan_out(bench, {"ours": programs["ours"]}, 10000, (300, 4000), pairs=1, seconds=12)
    yield from following(bench)
    yield from cold_and_warm(bench)
