"""The daemon between a sender, a source and PostgreSQL."""
import re

from daemon import Daemon, source_option
from measure import figure
from programs import cpu_seconds, free_port, resident_bytes, run as run_program

TITLE = "End to end, PostgreSQL"


def start(bench, name):
    source = free_port()
    daemon = Daemon(bench, name, *source_option(source), "--ttl", "1h")

    def program(*arguments):
        return run_program([bench.programs.bench("end_to_end_bench"), bench.conninfo,
                            str(source), str(daemon.listen)] + [str(a) for a in arguments])
    return daemon, program


def visible(bench):
    """From the slowest answer of a callback to the moment when all its rows can be read."""
    daemon, program = start(bench, "visible")
    text = program("visible", 100 if bench.quick else 400, 100)
    daemon.end()
    values = [float(value) for value in re.findall(r"^visible ([\d.]+) ms$", text, re.M)]
    ordered = sorted(values)
    yield figure("rows visible after the slowest of 100 answers, median", values, unit="ms")
    yield figure("rows visible after the slowest of 100 answers, p99",
                 [ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]], at_most=10, unit="ms")


def cost(bench):
    """Processor time of a callback of 100 ids, every one fetched, by the number of ids known."""
    exponents = (3, 4) if bench.quick else (3, 4, 5, 6, 7)
    for known in (10**exponent for exponent in exponents):
        daemon, program = start(bench, "cost%d" % known)
        program("know", known, min(known // 10, 1000))
        samples = []
        for _ in range(bench.pairs):
            before = cpu_seconds(daemon.pid)
            text = program("load", known, 100, 200)
            callbacks = int(re.search(r"^callbacks (\d+)$", text, re.M).group(1))
            samples.append((cpu_seconds(daemon.pid) - before) / callbacks * 1e6)
        yield figure("processor time of a callback, %s ids known" % format(known, ","), samples,
                     unit="µs", note="resident: %.0f MiB" % (resident_bytes(daemon.pid) / 2**20))
        daemon.end()


def run(bench):
    if not bench.conninfo:
        return
    yield from visible(bench)
    yield from cost(bench)
