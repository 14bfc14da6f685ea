"""The daemon between a sender, a source and PostgreSQL."""
import os
import re
import shutil

from measure import figure
from programs import await_port, cpu_seconds, end, free_port, resident_bytes, run as run_program

TITLE = "End to end, PostgreSQL"


class Daemon:
    def __init__(self, bench, name, store):
        self.source, self.listen, self.admin = free_port(), free_port(), free_port()
        directory = bench.programs.directory(name)
        self._process = bench.programs.start(
            [os.path.join(bench.programs.build, "apps/postofficed/postofficed"),
             "--listen", "127.0.0.1:%d" % self.listen,
             "--admin-listen", "127.0.0.1:%d" % self.admin,
             "--source", "http://127.0.0.1:%d/objects/{id}" % self.source,
             "--store", store, "--data-dir", directory, "--ttl", "1h"],
            stderr=open(os.path.join(directory, "log"), "w"))
        self.pid = self._process.pid
        await_port(self.listen)

    def end(self):
        end(self._process)


def url_of(conninfo):
    parts = dict(part.split("=", 1) for part in conninfo.split())
    return "postgresql://%(user)s@%(host)s:%(port)s/%(dbname)s" % parts


def program(bench, daemon, *arguments):
    return run_program([bench.programs.bench("end_to_end_bench"), bench.conninfo,
                        str(daemon.source), str(daemon.listen)] + [str(a) for a in arguments])


def visible(bench):
    """From the slowest answer of a callback to the moment when all its rows can be read."""
    daemon = Daemon(bench, "visible", url_of(bench.conninfo))
    text = program(bench, daemon, "visible", 100 if bench.quick else 400, 100)
    daemon.end()
    values = [float(value) for value in re.findall(r"^visible ([\d.]+) ms$", text, re.M)]
    ordered = sorted(values)
    yield figure("rows visible after the slowest of 100 answers, median", values, unit="ms")
    yield figure("rows visible after the slowest of 100 answers, p99",
                 [ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]], at_most=10, unit="ms")


def cost(bench):
    """Processor time of a callback of 100 ids, every one fetched, by the number of ids known."""
    for known in (1000, 10000) if bench.quick else (1000, 10000, 100000):
        daemon = Daemon(bench, "cost%d" % known, url_of(bench.conninfo))
        program(bench, daemon, "know", known, 100)
        samples = []
        for _ in range(bench.pairs):
            before = cpu_seconds(daemon.pid)
            text = program(bench, daemon, "load", known, 100, 200)
            callbacks = int(re.search(r"^callbacks (\d+)$", text, re.M).group(1))
            samples.append((cpu_seconds(daemon.pid) - before) / callbacks * 1e6)
        yield figure("processor time of a callback, %s ids known" % format(known, ","), samples,
                     unit="us", note="resident: %.0f MiB" % (resident_bytes(daemon.pid) / 2**20))
        daemon.end()


def run(bench):
    if not bench.conninfo:
        return
    yield from visible(bench)
    yield from cost(bench)
