"""What each alert of deploy/prometheus fires on: a world in which all is well, and for each alert the
series that are otherwise while something is wrong. A sample every 15 s. Each case is a daemon of its
own, so that many are tried at a time.

A case has three times: all is well, something is wrong, all is well again. Numbers are per time: a
gauge's values, or what a counter grows by from one sample to the next.
"""
import re

INSTANCE = "INSTANCE"  # replaced by the case's name
LABELS = f'job="postoffice", instance="{INSTANCE}"'
BOUNDS = ("0.001", "0.005", "0.025", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
GIB = 1 << 30


def name(metric, **labels):
    return metric + "{" + ", ".join([LABELS] + [f'{key}="{value}"' for key, value in labels.items()]) + "}"


class Gauge:
    def __init__(self, well, wrong=None, slope=0):
        self.well, self.wrong, self.slope = well, well if wrong is None else wrong, slope

    def series(self, key, counts):
        rising = [self.wrong + self.slope * i for i in range(counts[1])]
        yield key, [self.well] * counts[0] + rising + [self.well] * counts[2]


class Counter:
    def __init__(self, well, wrong=None):
        self.well, self.wrong = well, well if wrong is None else wrong

    def series(self, key, counts):
        total, values = 0, []
        for count, step in zip(counts, (self.well, self.wrong, self.well)):
            for _ in range(count):
                values.append(total)
                total += step
        yield key, values


class Histogram:
    """Each sample `rate` events more, all of them of that many seconds."""

    def __init__(self, well, wrong=None, rate=(100, 100)):
        self.times, self.rates = (well, well if wrong is None else wrong), rate

    def series(self, key, counts):
        base, labels = re.fullmatch(r"(\w+)(\{.*)\}", key).groups()
        for bound in BOUNDS:
            steps = [rate if time <= float(bound) else 0 for time, rate in zip(self.times, self.rates)]
            yield from Counter(*steps).series(f'{base}_bucket{labels}, le="{bound}"}}', counts)
        yield from Counter(*self.rates).series(f"{base}_count{labels}}}", counts)


class Absent:
    """There while all is well."""

    def __init__(self, value):
        self.value = value

    def series(self, key, counts):
        yield key, [self.value] * counts[0] + ["_"] * counts[1] + [self.value] * counts[2]


def fetches(outcome):
    return name("postoffice_fetch_duration_seconds", outcome=outcome)


def refused(status, reason):
    return name("postoffice_ingress_responses_total", status=status, reason=reason)


def waiting(cause):
    return name("postoffice_oldest_waiting_seconds", cause=cause)


def down(part):
    return name("postoffice_part_state", part=part, state="down")


def gauges(**values):
    return {name("postoffice_" + key): Gauge(value) for key, value in values.items()}


def counters(**values):
    return {name("postoffice_" + key): Counter(value) for key, value in values.items()}


WELL = {
    name("up"): Gauge(1),
    name("postoffice_build_info", version="1"): Gauge(1),
    name("process_start_time_seconds"): Gauge(-86400),
    name("process_cpu_seconds_total"): Counter(3),
    name("process_open_fds"): Gauge(300),
    name("process_max_fds"): Gauge(1024),
    name("process_resident_memory_bytes"): Gauge(GIB),
    **{down(part): Gauge(0) for part in ("ingress", "queue", "broker", "source", "store", "expiry")},
    **gauges(snapshot_age_seconds=0.1, memory_limit_bytes=4 * GIB, log_lines_waiting=0,
             queue_writable=1, ingress_connections=500, ingress_connections_max=1000,
             admin_connections=3, admin_connections_max=100, journal_flush_overdue_seconds=0,
             disk_free_bytes=50 * GIB, queue_bytes=GIB >> 3, queue_limit_bytes=49 * GIB,
             queue_growth_stopped=0, queue_spare_taken=0, journal_reserve=1, queue_callbacks=400,
             journal_at_risk_callbacks=0, accounting_imbalance=0, source_open=0,
             fetches_in_flight=900, fetch_limit=1024, behind_seconds=0, dead_letters=0, store_up=1,
             oldest_stuck_row_seconds=0, watermark_lag_seconds=0.3,
             shared_watermark_lag_seconds=0.5, broker_connected=1, broker_blocked=0,
             broker_refusing=0, dead_queue_messages=0, forwarder_waiting=20, silent_instances=0,
             instance_registered=1, publisher_registered=1, clock_skew_seconds=0.01),
    **{waiting(cause): Gauge(age) for cause, age in
       (("fetch", 1.5), ("backoff", 20), ("store", 0.1), ("touch", 0.1))},
    **{name("postoffice_stuck_rows", what=what): Gauge(0) for what in ("write", "delete")},
    name("postoffice_shards", state="away"): Gauge(0),
    **counters(accepted_callbacks_total=500, accepted_ids_total=5000, log_lines_dropped_total=0,
               journal_lost_records_total=0, lost_messages_total=0, missing_messages_total=0),
    **{name("postoffice_ids_total", outcome=outcome): Counter(step) for outcome, step in
       (("stored", 4000), ("merged", 1000), ("dead", 0))},
    name("postoffice_published_callbacks_total", result="forwarded"): Counter(500),
    name("postoffice_ingress_responses_total", status="202", reason="accepted"): Counter(500),
    **{refused("503", reason): Counter(0) for reason in ("queue_full", "flush_overdue")},
    refused("400", "not_json"): Counter(0),
    **{fetches(outcome): Histogram(time, rate=(rate, rate)) for outcome, time, rate in
       (("answered", 2.3, 1000), ("timeout", 10, 5), ("refused", 0.3, 5), ("unreachable", 0.1, 0))},
    name("postoffice_ingress_duration_seconds"): Histogram(0.004),
    name("postoffice_journal_flush_duration_seconds"): Histogram(0.004),
    name("postoffice_store_transaction_duration_seconds"): Histogram(0.02),
    name("postoffice_receipt_to_row_seconds"): Histogram(2.4),
}


class Case:
    """Times in minutes. `also`: alerts that rightly fire beside it. `alone`: it is about all daemons
    together."""

    def __init__(self, wrong, before=5, during=10, after=15, also=(), alone=False):
        self.wrong, self.minutes, self.also, self.alone = wrong, (before, during, after), also, alone

    def series(self, instance):
        counts = [4 * minutes for minutes in self.minutes]
        for key, values in {**WELL, **self.wrong}.items():
            yield from values.series(key.replace(INSTANCE, instance), counts)


def one(metric, well, wrong, **more):
    return Case({name("postoffice_" + metric): Gauge(well, wrong)}, **more)


def grows(metric, step=3, **more):
    return Case({name("postoffice_" + metric): Counter(0, step)}, **more)


CASES = {
    "PostofficeNotScraped": Case({name("up"): Absent(1)}, alone=True),
    "PostofficeUnreachable": Case({name("up"): Gauge(1, 0)}),
    # Each sample of a new process.
    "PostofficeRestarting": Case({name("process_cpu_seconds_total"): Gauge(900, 50, slope=-1)},
                                 after=25),
    "PostofficePipelineStuck": one("snapshot_age_seconds", 0.1, 30),
    "PostofficeFilesNearLimit": Case({name("process_open_fds"): Gauge(300, 900)}),
    "PostofficeMemoryHigh": Case({name("process_resident_memory_bytes"): Gauge(GIB, 3 * GIB)}),
    "PostofficeLogLinesDropped": grows("log_lines_dropped_total"),
    "PostofficeNotReady": Case({down("ingress"): Gauge(0, 1)}),
    "PostofficeCallbacksRefused": Case({refused("503", "flush_overdue"): Counter(0, 7)}),
    "PostofficeCallbacksMalformed": Case({refused("400", "not_json"): Counter(0, 1)}, during=15),
    "PostofficeConnectionsNearLimit": one("ingress_connections", 500, 900),
    "PostofficeFlushOverdue": one("journal_flush_overdue_seconds", 0, 12),
    "PostofficeFlushSlow": Case(
        {name("postoffice_journal_flush_duration_seconds"): Histogram(0.004, 0.4)}),
    "PostofficeQueueDiskFilling": Case(
        {name("postoffice_disk_free_bytes"): Gauge(50 * GIB, 50 * GIB, slope=-GIB / 8)},
        before=40, during=60, after=45),
    "PostofficeQueueNearlyFull": one("queue_bytes", GIB >> 3, 45 * GIB),
    "PostofficeQueueGrowthStopped": one("queue_growth_stopped", 0, 1),
    "PostofficeQueueSpareTaken": one("queue_spare_taken", 0, 1),
    "PostofficeNoReserve": one("journal_reserve", 1, 0, during=15),
    "PostofficeLostRecords": grows("journal_lost_records_total", after=70),
    "PostofficeCallbacksAtRisk": one("journal_at_risk_callbacks", 0, 12),
    "PostofficeAccountingImbalance": one("accounting_imbalance", 0, -2),
    "PostofficeSourceDown": Case({down("source"): Gauge(0, 1)}),
    "PostofficeSourceSlow": Case({fetches("answered"): Histogram(2.3, 7, rate=(1000, 1000))}),
    "PostofficeSourceSaturated": Case({
        name("postoffice_fetches_in_flight"): Gauge(900, 1024),
        waiting("fetch"): Gauge(1.5, 5, slope=0.5)}),
    "PostofficeSourceTimingOut": Case({fetches("timeout"): Histogram(10, rate=(5, 500))}),
    "PostofficeSourceRefusing": Case({fetches("refused"): Histogram(0.3, rate=(5, 500))}),
    "PostofficeBehind": Case({waiting("fetch"): Gauge(1.5, 31)}),
    "PostofficeDeadLettersMade": Case(
        {name("postoffice_ids_total", outcome="dead"): Counter(0, 1)}),
    "PostofficeDeadLettersStanding": one("dead_letters", 0, 4, during=65),
    "PostofficeStoreDown": one("store_up", 1, 0),
    "PostofficeStoreSlow": Case(
        {name("postoffice_store_transaction_duration_seconds"): Histogram(0.02, 3)}),
    "PostofficeStuckRows": Case({
        name("postoffice_stuck_rows", what="write"): Gauge(0, 2),
        name("postoffice_oldest_stuck_row_seconds"): Gauge(0, 1, slope=15)}),
    "PostofficeExpiryLate": one("shared_watermark_lag_seconds", 0.5, 40),
    "PostofficeBrokerDown": Case({name("postoffice_shards", state="away"): Gauge(0, 3)}),
    "PostofficeBrokerBlocked": one("broker_blocked", 0, 1),
    "PostofficeBrokerRefusing": one("broker_refusing", 0, 1),
    "PostofficeBrokerLosing": grows("lost_messages_total"),
    "PostofficeMessagesMissing": grows("missing_messages_total"),
    "PostofficeDeadQueueGrows": Case(
        {name("postoffice_dead_queue_messages"): Gauge(0, 1, slope=1)}, after=25),
    "PostofficeForwarderLagging": Case(
        {name("postoffice_published_callbacks_total", result="forwarded"): Counter(500, 0)}),
    "PostofficeSilentInstance": one("silent_instances", 0, 1),
    "PostofficeFenced": Case({
        name("postoffice_instance_registered"): Gauge(1, 0), down("queue"): Gauge(0, 1)},
        also=["PostofficeNotReady"]),
    "PostofficeClockSkew": one("clock_skew_seconds", 0.01, -5),
}

# Other ways in which they fire.
MORE = {
    "PostofficeNotReady": one("queue_writable", 1, 0),
    "PostofficeLogLinesDropped": one("log_lines_waiting", 0, 5000),
    "PostofficeConnectionsNearLimit": one("admin_connections", 3, 90),
    "PostofficeQueueNearlyFull": one("queue_limit_bytes", 49 * GIB, GIB >> 2),
    "PostofficeSourceDown": one("source_open", 0, 1),
    "PostofficeBehind": one("behind_seconds", 0, 90),
    "PostofficeStoreSlow": Case({waiting("touch"): Gauge(0.1, 9)}),
    "PostofficeExpiryLate": one("watermark_lag_seconds", 0.3, 40),
    "PostofficeBrokerDown": one("broker_connected", 1, 0),
    "PostofficeForwarderLagging": one("queue_callbacks", 400, 200_000),
    "PostofficeFenced": Case({
        name("postoffice_publisher_registered"): Gauge(1, 0), down("ingress"): Gauge(0, 1)},
        also=["PostofficeNotReady"]),
    # A start on damaged files: the counter begins with what was lost.
    "PostofficeLostRecords": Case({
        name("postoffice_journal_lost_records_total"): Gauge(0, 5),
        name("process_start_time_seconds"): Gauge(-86400, 0)}, after=70),
}
