"""The table of docs/benchmarks.md, filled in from the results: so it quotes nothing that was not measured."""
import fnmatch
import re
import sys

import chart
import report
from measure import met

MARK = re.compile(r"(<!-- table: figures -->\n).*?(<!-- end -->)", re.DOTALL)

# The stage, as results.json calls it, and a figure's name. A pattern is for a curve: its medians stand in
# one row, under the words behind it.
FIGURES = [
    ("parse", "speed against RapidJSON in place (SAX)"),
    ("parse", "speed against simdjson On-Demand"),
    ("parse", "bytes a second"),
    ("parse", "allocations"),
    ("parse", "bodies on which the two readers differ*", "bodies on which the two readers differ"),
    ("journal", "flushes under load against the bare loop, 1 ms added"),
    ("journal", "one client's median latency against one thread that writes, flushes and answers"),
    ("journal", "one client's median latency against fdatasync + 202 not durable"),
    ("journal", "processor time of an append of 100 ids, reader included"),
    ("journal", "bytes of a record against the JSON, 100 ids below *",
     "bytes of a record against the JSON, 100 ids below 100 / 10^5 / 10^7 / 10^12"),
    ("journal", "opening a queue, a GB of records left"),
    ("ingress", "durable 202 against nginx 204, by rate"),
    ("ingress_0.2ms", "durable 202 against nginx 204, by rate"),
    ("ingress_1ms", "durable 202 against nginx 204, by rate"),
    ("ingress_5ms", "durable 202 against nginx 204, by rate"),
    ("ingress", "durable 202 against our own not durable, by rate"),
    ("ingress", "durable 202 against bare epoll after fdatasync, by rate"),
    ("ingress", "not durable against nginx 204, by *",
     "not durable against nginx 204, by rate / by processor time"),
    ("ingress", "the whole daemon, durable, against nginx 204, by rate"),
    ("ingress", "callbacks refused by the daemon"),
    ("ingress", "system calls a request, *",
     "system calls a request, not durable / durable, the queue's included"),
    ("ingress", "16 requests pipelined against one"),
    ("core", "id transitions a second, a million ids known"),
    ("core", "id transitions a second, 1*,000 known", "the same with 10^3 / 10^4 / 10^5 / 10^6 / 10^7 known"),
    ("core", "transitions of a map and a mutex, *", "a map and a mutex, the same numbers of ids"),
    ("core", "bytes of a known id, of a million"),
    ("core", "resident, a million ids known and 10,000 fetches in flight"),
    ("core", "resident, all of these waiting to be fetched again"),
    ("core", "bytes of an id that waits, of a million"),
    ("core", "ids merged a second, *", "ids merged a second into 10^3 / 10^5 / 10^6 / 4·10^6 that wait"),
    ("core", "held at most in later hours against the first *",
     "24 h of callbacks: held at most later against the first 6 h"),
    ("core", "slowest callback of 100 ids from no id to ten million"),
    ("fetch", "rate against concurrency / mean latency, 1,000 in flight"),
    ("fetch", "rate against concurrency / mean latency, 10,000 in flight"),
    ("fetch", "rate against concurrency / mean latency, 10,000 in flight, answers after 0.3 to 4.3 s"),
    ("fetch", "failed fetches*", "failed fetches in these"),
    ("fetch", "resident bytes a fetch in flight, 1*,000 in flight",
     "resident bytes a fetch in flight, 1,000 / 10,000 in flight"),
    ("fetch", "processor time against Go's net/http, 1*,000 in flight",
     "processor time against Go's net/http, 1,000 / 10,000 in flight"),
    ("fetch", "rate while the source's capacity halves and doubles, against it"),
    ("fetch", "refused for each answer meanwhile"),
    ("fetch", "200 ids against their slowest answer, *",
     "200 ids against their slowest answer, no connection open / all open"),
    ("store", "upserts against the server's own INSERT … SELECT"),
    ("store", "HOT updates of all"),
    ("store", "store's time for expiry while 1,000,000 rows live"),
    ("store", "rows go late, p99, 1,000,000 rows each living 30 s"),
    ("store", "rows a second, not waiting at commits of *",
     "rows a second, not waiting at commits of 2,000 / 4,096 against waiting"),
    ("store_1ms", "rows a second, not waiting at commits of *", "the same"),
    ("store_5ms", "rows a second, not waiting at commits of *", "the same"),
    ("store", "a row: *", "a row: table / index / log of a touch / of the first touch after a checkpoint"),
    ("store", "rows a second, one session: *", "rows a second, one session: touched / looked at / deleted"),
    ("end_to_end", "rows visible after the slowest of 100 answers, *",
     "rows visible after the slowest of 100 answers, median / p99"),
    ("end_to_end", "processor time of a callback, *",
     "processor time of a callback of 100 ids, all fetched, 10^3 / 10^4 / 10^5 / 10^6 / 10^7 known"),
    ("broker", "publishing with confirms against rabbitmq-c alone"),
    ("broker", "ids stored by two workers against one"),
    ("broker", "processor time of a callback at one of two publishers against one alone"),
]


def command_and_delay(stage):
    """`ingress_1ms` is what --flush-delay 1 makes of the stage."""
    name, delay = re.fullmatch(r"(.*?)(?:_([\d.]+)ms)?", stage).groups()
    if delay is None:
        return "`scripts/bench.sh %s`" % name, ""
    return "`scripts/bench.sh --flush-delay %s %s`" % (delay, name), ", flushes %s ms longer" % delay


def value_of(entries):
    if len(entries) == 1:
        return report.value_of(entries[0])
    medians = " / ".join(chart.number(entry["value"]["median"]) for entry in entries)
    return "%s %s" % (medians, entries[0]["unit"]) if entries[0]["unit"] else medians


def target_of(entries):
    judged = [entry for entry in entries if met(entry) is not None]
    targets = dict.fromkeys(chart.target(entry) for entry in judged)
    return " / ".join(targets) + (" **missed**" if not all(map(met, judged)) else "")


def chosen(stages):
    """What stands in a row, and the figures for it; none, if the results are older than the figure."""
    for stage, pattern, *label in FIGURES:
        if stage in stages:
            entries = [entry for entry in stages[stage]["figures"]
                       if fnmatch.fnmatchcase(entry["name"], pattern)]
            yield stage, label[0] if label else pattern, entries


def rows(stages):
    for stage, name, entries in chosen(stages):
        if entries:
            command, delay = command_and_delay(stage)
            yield "| %s | %s | %s | %s |" % (name + delay, value_of(entries), target_of(entries), command)


def filled(text, stages):
    table = "\n".join(["| measured | median | target | command |", "|---|---|---|---|", *rows(stages)])
    return MARK.sub(lambda match: match[1] + table + "\n" + match[2], text)


def fill(path, stages):
    for stage, name, entries in chosen(stages):
        if not entries:
            print("%s: the stage %s has no figure for: %s" % (path, stage, name), file=sys.stderr)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(filled(text, stages))
