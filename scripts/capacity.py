#!/usr/bin/env python3
"""How much of everything a load needs: the tables of docs/scaling.md.

  capacity.py                          prints all tables
  capacity.py --callbacks 5000 [--ids 100] [--live 2000000] [--latency 0.3 4.3] [--ttl 30]
                                       prints what one load needs
  capacity.py --write docs/scaling.md  puts the tables into the document (between its marks)
  capacity.py --check docs/scaling.md  exit 1 if the document has other tables than these

Nothing but Python's standard library. Every constant says where it comes from; change them to what
you measured on your machines.
"""
import argparse
import math
import random
import re
import sys

def bench(stage):
    return f"`scripts/bench.sh {stage}`"


# name: (value, unit, where it comes from)
CONSTANTS = {
    "accept": (67_000, "callbacks/s a core", f"{bench('ingress')}: the whole daemon on one core"),
    "fetch_cpu": (36e-6, "s of processor a fetch", f"{bench('fetch')}: 10,000 in flight"),
    "fetch_memory": (600, "B a fetch in flight", f"{bench('fetch')}; {bench('core')}: an id that waits"),
    "decide": (4.3e6, "ids/s a core, received to stored", f"{bench('core')}: a third of the transitions"),
    "known_id": (30, "B of memory a known id", bench("core")),
    "row": (101.0, "B of table a row", bench("store")),
    "row_index": (22.5, "B of index a row", bench("store")),
    "wal": (144.0, "B of write-ahead log a row written", bench("store")),
    "row_writes": (113_000, "rows/s one session", bench("store")),
    "row_scan": (15e6, "rows/s looked at, cached", bench("store")),
    "journal": (0.36, "bytes of queue a byte of JSON", bench("journal")),
    "publish": (80_000, "messages/s a broker", "RabbitMQ's own benchmark of one quorum queue (see below)"),
    "ports": (28_232, "connections a pair of addresses", "Linux: `ip_local_port_range` is 32768 to 60999"),
    "known_max": (4_000_000, "ids a pipeline", "`PipelineOptions::known_ids_max`"),
    "request": (150, "B of HTTP head a callback", "assumed"),
    "link": (10e9 / 8, "B/s a network card", "assumed: 10 Gbit/s"),
    "lifetime": (3_600, "s that an object lives", "assumed"),
    "tick": (4, "ticks/s a publisher and shard", "`RabbitOptions::tick`: 250 ms"),
    "replicas": (3, "copies of a quorum queue", "assumed"),
    "beat": (5, "s between callbacks of a sender", "assumed, as postoffice-tester"),
}


def constant(name):
    return CONSTANTS[name][0]


def show(value):
    """Three digits, and a unit that fits."""
    if value == 0:
        return "0"
    for limit, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit * 0.9995:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}"


def exactly(value):
    if isinstance(value, float) and value < 1:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value >= 100 else f"{value:g}"


# --- The models -----------------------------------------------------------------------------------


def fetch_rate(receipts, shortest, longest):
    """Fetches a second of an id that comes `receipts` times a second, evenly random, each fetch
    taking between `shortest` and `longest`. Idle for 1/receipts; then a fetch, and another one as
    long as there was a receipt during the last (S3). From a renewal argument:
    f e = r (1 - f w), with e the chance of no receipt during a fetch and w its mean length."""
    span = longest - shortest
    mean = (shortest + longest) / 2
    none = math.exp(-receipts * shortest)
    if receipts * span > 1e-9:
        none *= -math.expm1(-receipts * span) / (receipts * span)
    return receipts / (none + receipts * mean)


def simulated_fetch_rate(receipts, shortest, longest, seed, fetches=100_000):
    """The same by playing it: one id, fetch after fetch."""
    chance = random.Random(seed)
    time = 0.0
    next_receipt = chance.expovariate(receipts)
    for _ in range(fetches):
        time = max(time, next_receipt)  # idle until then
        while next_receipt <= time:
            next_receipt += chance.expovariate(receipts)
        time += chance.uniform(shortest, longest)
    return fetches / time


def shards_touched(ids, shards):
    """Shards that a callback's ids fall into."""
    return shards * -math.expm1(ids * math.log1p(-1 / shards)) if shards > 1 else 1.0


def simulated_shards_touched(ids, shards, seed, callbacks=2_000):
    chance = random.Random(seed)
    return sum(
        len({chance.randrange(shards) for _ in range(ids)}) for _ in range(callbacks)) / callbacks


def batched_messages(callbacks, ids, shards, interval):
    """Messages a second of a publisher that collects for `interval` and sends one to each shard
    that has anything."""
    return shards / interval * -math.expm1(-callbacks * interval * ids / shards)


class Load:
    """What comes in, and everything that follows from it."""

    def __init__(self, callbacks, ids=100, live=None, latency=(0.3, 4.3), ttl=30):
        self.callbacks, self.ids, self.latency, self.ttl = callbacks, ids, latency, ttl
        self.live = live or callbacks * 1000
        self.receipts = callbacks * ids
        self.fetches = self.live * fetch_rate(self.receipts / self.live, *latency)
        self.in_flight = self.fetches * sum(latency) / 2
        self.body = 16 + ids * (len(str(int(self.live))) + 1)
        self.bytes_in = callbacks * (self.body + constant("request"))
        self.journal = callbacks * self.body * constant("journal")
        # Each receipt touches its row, each answer updates it.
        self.row_writes = self.receipts + self.fetches
        self.wal = self.row_writes * constant("wal")
        self.table = self.live * (constant("row") + constant("row_index"))
        self.deletes = self.live / constant("lifetime")
        self.memory = (self.live * constant("known_id")
                       + self.in_flight * constant("fetch_memory"))
        self.senders = callbacks * constant("beat")
        self.publishers = max(1, math.ceil(2 * callbacks / constant("accept")))
        self.workers = max(1, math.ceil(self.worker_load()))
        self.shards = max(8, self.workers, math.ceil(self.live / constant("known_max")))
        self.databases = max(1, math.ceil(self.row_writes / constant("row_writes")))

    def worker_load(self):
        """Processor seconds a second: fetching, and deciding about ids."""
        return self.fetches * constant("fetch_cpu") + self.receipts / constant("decide")

    def messages(self):
        return (self.callbacks * shards_touched(self.ids, self.shards)
                + self.publishers * self.shards * constant("tick"))

    def messages_batched(self, interval):
        each = batched_messages(self.callbacks / self.publishers, self.ids, self.shards, interval)
        return self.publishers * each

    def limits(self):
        """What one of each thing can do, and how many of it this load needs."""
        return [
            ("fetch slots of a process (`--fetch-concurrency`, default)", self.in_flight / 1024),
            ("ports from one worker's address to the source's", self.in_flight / constant("ports")),
            ("one worker's core: fetching and deciding", self.worker_load()),
            ("one session writing rows to PostgreSQL", self.row_writes / constant("row_writes")),
            ("one broker, a message a callback and shard", self.messages() / constant("publish")),
            ("one publisher's core: accepting", self.callbacks / constant("accept")),
            ("one network card, callbacks only", self.bytes_in / constant("link")),
            ("one pipeline's known ids", self.live / constant("known_max")),
            ("one scan of the table in a ttl", self.live / constant("row_scan") / self.ttl),
        ]


# --- The tables -----------------------------------------------------------------------------------

POWERS = [Load(10 ** power) for power in range(7)]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def constants_table():
    return table(["constant", "value", "unit", "from"],
                 [[f"`{name}`", exactly(value), unit, source]
                  for name, (value, unit, source) in CONSTANTS.items()])


def needs_table(loads):
    rows = [
        ("live objects", lambda load: load.live),
        ("ids received /s", lambda load: load.receipts),
        ("fetches /s", lambda load: load.fetches),
        ("fetches in flight", lambda load: load.in_flight),
        ("connections of senders", lambda load: load.senders),
        ("callbacks, B/s", lambda load: load.bytes_in),
        ("queue, B/s of each copy", lambda load: load.journal),
        ("rows written /s", lambda load: load.row_writes),
        ("write-ahead log, B/s", lambda load: load.wal),
        ("rows deleted /s", lambda load: load.deletes),
        ("table and index, B", lambda load: load.table),
        ("workers' memory, B", lambda load: load.memory),
        ("shards", lambda load: load.shards),
        ("messages /s, ticks included", lambda load: load.messages()),
    ]
    head = ["callbacks /s"] + [show(load.callbacks) for load in loads]
    return table(head, [[name] + [show(value(load)) for load in loads] for name, value in rows])


def limits_table(loads):
    """How many of each thing; where one of it does not do any more stands out."""
    needs = [[need for _, need in load.limits()] for load in loads]
    rows = []
    for row, (name, _) in enumerate(loads[0].limits()):
        cells, broken = [], False
        for column in needs:
            text = show(column[row]) if column[row] >= 0.01 else "<0.01"
            first = column[row] > 1 and not broken
            broken = broken or column[row] > 1
            cells.append(f"**{text}**" if first else text)
        rows.append([name] + cells)
    return table(["how many, at callbacks /s"] + [show(load.callbacks) for load in loads], rows)


def fetches_table():
    rows = []
    for receipts in (0.01, 0.1, 0.5, 1, 10):
        model = fetch_rate(receipts, 0.3, 4.3)
        played = simulated_fetch_rate(receipts, 0.3, 4.3, seed=1)
        rows.append([exactly(receipts), f"{model:.4f}", f"{played:.4f}", f"{model / receipts:.3f}"])
    return table(["receipts /s of an id", "fetches /s, model", "simulated", "fetches a receipt"],
                 rows)


def shards_table():
    rows = []
    for shards in (1, 8, 64, 512, 4096):
        played = simulated_shards_touched(100, shards, seed=1)
        rows.append([str(shards), f"{shards_touched(100, shards):.1f}", f"{played:.1f}"])
    return table(["shards", "messages a callback of 100 ids, model", "simulated"], rows)


def batches_table():
    load = POWERS[6]
    rows = [["a message a callback and shard", show(load.messages()),
             f"{load.receipts / load.messages():.2g}",
             show(math.ceil(constant("replicas") * load.messages() / constant("publish")))]]
    for interval in (0.01, 0.05, 0.2):
        messages = load.messages_batched(interval)
        rows.append([f"collected for {interval * 1000:.0f} ms", show(messages),
                     f"{load.receipts / messages:.2g}",
                     show(math.ceil(constant("replicas") * messages / constant("publish")))])
    return table([f"{load.publishers} publishers, {load.shards:,} shards", "messages /s",
                  "ids a message", "brokers (3 copies)"], rows)


def freshness_table():
    load = POWERS[6]
    mean = sum(load.latency) / 2
    rows = []
    for fetches in (load.in_flight, 1e8, 1e7, 1e6, 1e5):
        seconds = load.live * mean / fetches
        rows.append([show(fetches), show(fetches / mean), f"{seconds:,.0f} s",
                     show(fetches * constant("fetch_memory")),
                     show(math.ceil(fetches / mean * constant("fetch_cpu")))])
    return table(["fetches in flight, all workers", "fetches /s", "each object is asked for every",
                  "memory, B", "cores"], rows)


TABLES = {
    "constants": constants_table,
    "needs": lambda: needs_table(POWERS),
    "limits": lambda: limits_table(POWERS),
    "fetches": fetches_table,
    "shards": shards_table,
    "batches": batches_table,
    "freshness": freshness_table,
}
MARK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text):
    missing = set(TABLES) - {match[1] for match in MARK.findall(text)}
    if missing:
        sys.exit(f"capacity: the document has no place for: {', '.join(sorted(missing))}")
    return MARK.sub(lambda match: match[1] + TABLES[match[2]]() + "\n" + match[3], text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--callbacks", type=float, help="callbacks a second")
    parser.add_argument("--ids", type=float, default=100, help="ids in each")
    parser.add_argument("--live", type=float, help="objects that are alive")
    parser.add_argument("--latency", type=float, nargs=2, default=(0.3, 4.3), help="of the source")
    parser.add_argument("--ttl", type=float, default=30)
    parser.add_argument("--write", metavar="FILE")
    parser.add_argument("--check", metavar="FILE")
    arguments = parser.parse_args()
    if arguments.write or arguments.check:
        path = arguments.write or arguments.check
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if arguments.check:
            if filled(text) != text:
                sys.exit(f"capacity: {path} has other tables; capacity.py --write {path}")
            return
        with open(path, "w", encoding="utf-8") as file:
            file.write(filled(text))
    elif arguments.callbacks:
        load = Load(arguments.callbacks, arguments.ids, arguments.live, tuple(arguments.latency),
                    arguments.ttl)
        print(needs_table([load]), limits_table([load]), sep="\n\n")
    else:
        for name, make in TABLES.items():
            print(f"{name}\n\n{make()}\n")


if __name__ == "__main__":
    main()
