"""Callbacks through RabbitMQ: publishing, and what more processes bring."""
import concurrent.futures
import os
import re
import time

from daemon import Daemon, source_option
from measure import figure, interleave, ratios
from programs import Wrk, end, free_port, run as run_program

TITLE = "Callbacks through RabbitMQ"

CONCURRENCY = 40  # fetches of a worker; with answers after 200 ms its limit, far below the machine's


def publishing(bench, broker):
    """With confirms, beside rabbitmq-c alone with the same messages and window."""
    text = run_program([bench.programs.bench("rabbit_bench"), str(bench.pairs),
                        "10000" if bench.quick else "30000"],
                       env={**os.environ, "POSTOFFICE_TEST_RABBIT": broker})
    pairs = [[float(word) for word in line] for line in
             re.findall(r"^ *\d+ +(\d+) +(\d+) +[\d.]+ +([\d.]+) +([\d.]+)$", text, re.M)]
    bare, ours = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    yield figure("publishing with confirms against rabbitmq-c alone", ratios(ours, bare), at_least=0.8,
                 ours={"name": "ours", "rate": ours, "cpu_us": [pair[3] for pair in pairs]},
                 peer={"name": "rabbitmq-c", "rate": bare, "cpu_us": [pair[2] for pair in pairs]})


def await_all_busy(some):
    """Until the shards are shared out, and all slots are taken: twice in a row, so that it is no coincidence."""
    seen = 0
    for _ in range(60):
        busy = all(worker.status()["fetches_in_flight"] >= 0.9 * CONCURRENCY for worker in some)
        seen = seen + 1 if busy else 0
        if seen == 2:
            return
        time.sleep(1)
    raise RuntimeError("a worker does not come to have all its fetches in flight")


def workers(bench, broker):
    """Ids stored by one worker and by two, where the fetches that each may have in flight are the
    limit. The source answers everything after 200 ms."""
    seconds = 5 if bench.quick else 10

    def rate(count):
        name = "workers_%d_%d" % (count, free_port())
        queue = ["--queue", broker, "--queue-prefix", name]
        serve = Daemon(bench, name, "serve", *queue)
        source = free_port()
        some = [Daemon(bench, "%s_%d" % (name, number), "worker", str(CONCURRENCY), *queue,
                       *source_option(source)) for number in range(count)]
        tester = bench.programs.start(
            [os.path.join(bench.programs.build, "examples/tester/postoffice-tester"),
             "--target", "http://127.0.0.1:%d/callback" % serve.listen,
             "--listen", "localhost:%d" % source, "--rate", "20", "--ids-max", "100",
             "--id-range", "1000000000", "--latency-min", "200ms", "--latency-spread", "0s"])
        await_all_busy(some)
        before, begun = sum(worker.status()["stored"] for worker in some), time.monotonic()
        time.sleep(seconds)
        result = (sum(worker.status()["stored"] for worker in some) - before) / (time.monotonic() - begun)
        end(tester)
        for daemon in [serve] + some:
            daemon.end()
        return result

    results = interleave({"one": lambda: rate(1), "two": lambda: rate(2)}, max(1, bench.pairs // 2))
    yield figure("ids stored by two workers against one", ratios(results["two"], results["one"]),
                 at_least=1.8, ours={"name": "two", "rate": results["two"]},
                 peer={"name": "one, limited by its %d fetches" % CONCURRENCY, "rate": results["one"]})


def publishers(bench, broker):
    """What a callback of 100 ids costs a publisher that is alone, and one of two."""
    seconds = 3 if bench.quick else 5
    name = "publishers"
    some = [Daemon(bench, "%s_%d" % (name, number), "serve", "--queue", broker, "--shards", "1",
                   "--queue-prefix", name) for number in range(2)]

    def load(daemon):
        return Wrk(bench.root, daemon.listen, daemon.pid, connections=64, core=None).measure(seconds)

    def together():
        with concurrent.futures.ThreadPoolExecutor() as pool:
            both = list(pool.map(load, some))
        return {"rate": sum(each["rate"] for each in both),
                "cpu_us": sum(each["cpu_us"] for each in both) / 2}

    results = interleave({"one": lambda: load(some[0]), "two": together}, max(1, bench.pairs // 2))
    costs = {side: [each["cpu_us"] for each in results[side]] for side in results}
    yield figure("processor time of a callback at one of two publishers against one alone",
                 ratios(costs["two"], costs["one"]), at_most=1.11,
                 ours={"name": "two", "rate": [each["rate"] for each in results["two"]],
                       "cpu_us": costs["two"]},
                 peer={"name": "one", "rate": [each["rate"] for each in results["one"]],
                       "cpu_us": costs["one"]})
    for daemon in some:
        daemon.end()


def run(bench):
    broker = bench.programs.rabbit()
    yield from publishing(bench, broker)
    yield from workers(bench, broker)
    yield from publishers(bench, broker)
