"""Runs the stages that scripts/bench.sh is asked for; see there."""
import argparse
import datetime
import importlib
import os
import re
import signal
import subprocess
import sys

import report
import summary
from programs import Programs

STAGES = ["parse", "journal", "ingress", "core", "fetch", "store", "end_to_end", "broker"]
NEED_POSTGRES = {"journal", "end_to_end", "broker"}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RESULTS = os.path.join(ROOT, "docs/bench")
MADE = os.path.join(ROOT, "build/bench")


class Bench:
    """What a stage may know."""

    def __init__(self, options, programs):
        self.root = ROOT
        self.programs = programs
        self.quick = options.quick
        self.pairs = options.pairs or (3 if options.quick else 5)
        self.flush_delay_us = int(options.flush_delay * 1000)
        self.conninfo = None


def machine():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*:\s*(.*)", file.read())
    return {"cores": os.cpu_count(), "model": model.group(1) if model else os.uname().machine,
            "kernel": os.uname().release}


def commit():
    done = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"],
                          stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer pairs, shorter turns")
    parser.add_argument("--pairs", type=int, help="turns of each program")
    parser.add_argument("--flush-delay", type=float, default=0, metavar="MS",
                        help="add so much to every flush: 0.2, 1, 5")
    parser.add_argument("--output", default=RESULTS)
    parser.add_argument("stages", nargs="*", metavar="stage", help=", ".join(STAGES))
    options = parser.parse_args()
    unknown = set(options.stages) - set(STAGES)
    if unknown:
        parser.error("no such stage: " + ", ".join(sorted(unknown)))
    return options


def measure(name, bench):
    stage = importlib.import_module("stage_" + name)
    print("\n== " + stage.TITLE, flush=True)
    figures = []
    for entry in stage.run(bench):
        print(report.row(entry), flush=True)
        figures.append(entry)
    if not figures:
        return None
    return {"title": stage.TITLE, "date": datetime.date.today().isoformat(), "commit": commit(),
            "machine": machine(), "pairs": bench.pairs, "quick": bench.quick,
            "flush_delay_ms": bench.flush_delay_us / 1000, "figures": figures}


def main():
    # As Ctrl-C does, so that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(143))
    options = arguments()
    wanted = [name for name in STAGES if name in options.stages or not options.stages]
    results = report.load(options.output)
    failed = []
    for name in wanted:
        # Each stage on its own: what one leaves running would meet the next.
        with Programs(options.build, ROOT) as programs:
            bench = Bench(options, programs)
            try:
                if name in NEED_POSTGRES:
                    bench.conninfo = programs.postgres()
                stage = measure(name, bench)
            except (RuntimeError, OSError) as error:
                print("%s failed: %s" % (name, error), file=sys.stderr)
                failed.append(name)
                continue
        if stage:
            label = "_%gms" % options.flush_delay if options.flush_delay else ""
            results[name + label] = stage
            order = {stage: place for place, stage in enumerate(STAGES)}
            results = dict(sorted(results.items(), key=lambda item: (
                order[re.sub(r"_[\d.]+ms$", "", item[0])], item[0])))
            own = os.path.abspath(options.output) == RESULTS
            report.write(options.output, results, MADE if own else options.output)
    if os.path.abspath(options.output) == RESULTS:
        summary.fill(os.path.join(ROOT, "docs/benchmarks.md"), results)
    return 1 if failed else 0


sys.exit(main())
