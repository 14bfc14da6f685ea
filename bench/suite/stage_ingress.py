"""Taking callbacks of 100 ids at 256 connections, server and client on a core each."""
import statistics

from daemon import Daemon, start_source
from measure import figure, interleave, ratios
from programs import Wrk, await_port, free_port, resident_bytes

TITLE = "Ingress, 100 ids, 256 connections"
PIPELINED = 16

NGINX = """
worker_processes 1; daemon off; master_process off; pid {work}/pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {work};
  proxy_temp_path {work}; fastcgi_temp_path {work}; uwsgi_temp_path {work}; scgi_temp_path {work};
  server {{ listen 127.0.0.1:{port}; location /callback {{ return 204; }} }}
}}
"""


def start(programs, command, port):
    process = programs.start(command, core=0)
    await_port(port)
    return process.pid


def start_nginx(programs, port):
    work = programs.directory("nginx")
    with open(work + "/nginx.conf", "w") as file:
        file.write(NGINX.format(work=work, port=port))
    return start(programs, ["nginx", "-c", work + "/nginx.conf", "-e", "stderr"], port)


def start_ours(programs, port, *, queue=None, flush_delay_us=0):
    command = [programs.bench("bench_ingress_server"), "127.0.0.1:%d" % port]
    if queue:
        command += ["1", programs.directory(queue), str(flush_delay_us)]
    return start(programs, command, port)


def start_floor(programs, port, *, file=None, inline=False):
    command = [programs.bench("bench_floor_epoll"), str(port)]
    if file:
        command.append(programs.directory(file) + "/bodies")
    if inline:
        command.append("inline")
    return start(programs, command, port)


def describe(name, samples):
    def median(key):
        return statistics.median(sample[key] for sample in samples)
    return {"name": name, "rate": median("rate"), "cpu_us": median("cpu_us"),
            "p50_us": median("p50_us"), "p99_us": median("p99_us")}


def compare(label, results, ours, peer, target=None, cpu_target=None):
    names = {"accepted": "202, not durable", "durable": "202 after fdatasync",
             "nginx": "nginx 204", "floor": "bare epoll 204",
             "durable floor": "bare epoll 204 after fdatasync",
             "daemon": "the daemon, 202 after fdatasync"}
    for what, key, goal in (("rate", "rate", target), ("processor time", "cpu_us", cpu_target)):
        def values(name):
            return [sample[key] for sample in results[name]]
        pair = (values(ours), values(peer)) if key == "rate" else (values(peer), values(ours))
        yield figure("%s, by %s" % (label, what), ratios(*pair), at_least=goal,
                     ours=describe(names[ours], results[ours]),
                     peer=describe(names[peer], results[peer]))


class WholeDaemon:
    """All of postofficed on the servers' core: it fetches, and stores in SQLite. Its sender has always
    the same ids, so they are known, and most of their receipts join a fetch."""

    def __init__(self, bench):
        self._daemon = Daemon(bench, "daemon", *start_source(bench.programs), core=0)
        self.port, self.pid = self._daemon.listen, self._daemon.pid

    def figures(self):
        status = self._daemon.status()
        yield figure("callbacks refused by the daemon", [status["ingress"]["refused"]], at_most=0,
                     note="%s accepted" % format(status["ingress"]["accepted"], ","))
        ends = {end: status[end] for end in ("stored", "merged", "not_found", "expired", "dead", "pending")}
        yield figure("accepted ids of the daemon that are not accounted for",
                     [status["accepted_ids"] - sum(ends.values())], at_most=0,
                     note=", ".join("%s %s" % (format(count, ","), end) for end, count in ends.items() if count))
        yield figure("resident after that", [resident_bytes(self.pid) / 2**20], unit="MiB")


def run(bench):
    programs = bench.programs
    servers = {}
    whole = None if bench.flush_delay_us else WholeDaemon(bench)
    for name in ("accepted", "durable", "nginx", "floor", "durable floor"):
        port = free_port()
        if name == "nginx":
            pid = start_nginx(programs, port)
        elif name == "floor":
            pid = start_floor(programs, port)
        elif name == "durable floor":
            pid = start_floor(programs, port, file="floor")
        else:
            pid = start_ours(programs, port, queue="queue" if name == "durable" else None,
                             flush_delay_us=bench.flush_delay_us)
        servers[name] = Wrk(bench.root, port, pid)
        servers[name].port, servers[name].pid = port, pid
    if whole:
        servers["daemon"] = Wrk(bench.root, whole.port, whole.pid)
    turns = {name: (lambda wrk=wrk: wrk.measure(1)) for name, wrk in servers.items()}
    pipelined = Wrk(bench.root, servers["accepted"].port, servers["accepted"].pid,
                    pipelined=PIPELINED)
    turns["pipelined"] = lambda: pipelined.measure(1)
    results = interleave(turns, bench.pairs if bench.quick else 2 * bench.pairs)

    yield from compare("durable 202 against nginx 204", results, "durable", "nginx", 1.0)
    yield from compare("durable 202 against our own not durable", results, "durable", "accepted",
                       0.85)
    if not bench.flush_delay_us:
        yield from compare("durable 202 against bare epoll after fdatasync", results, "durable",
                           "durable floor")
    if whole:
        yield from compare("the whole daemon, durable, against nginx 204", results, "daemon", "nginx")
        yield from whole.figures()
    yield from compare("not durable against nginx 204", results, "accepted", "nginx")
    yield from compare("not durable against bare epoll", results, "accepted", "floor")
    yield figure("%d requests pipelined against one" % PIPELINED,
                 ratios([sample["rate"] for sample in results["pipelined"]],
                        [sample["rate"] for sample in results["accepted"]]), at_least=5,
                 ours=describe("pipelined", results["pipelined"]),
                 peer=describe("one at a time", results["accepted"]))
    for name, label in (("accepted", "not durable"), ("durable", "durable, the queue's included")):
        calls = servers[name].system_calls(1)
        if calls is not None:
            yield figure("system calls a request, " + label, [calls], at_most=3.05)
