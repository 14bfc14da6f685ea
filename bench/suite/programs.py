"""Starting programs, and asking the system what they have used."""
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SLOW_FLUSH = "slow_flush.so"


class Programs:
    """All that was started, to be ended with the object."""

    def __init__(self, build, root):
        self.build = build
        self.root = root
        self.work = tempfile.mkdtemp(prefix="postoffice-bench.", dir=os.environ.get(
            "POSTOFFICE_BENCH_DIRECTORY"))
        self._running = []
        self._clusters = []
        self._brokers = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for process in reversed(self._running):
            end(process)
        for cluster in self._clusters:
            subprocess.run([self._cluster_script(), "remove", cluster], check=False)
        for broker in self._brokers:
            subprocess.run([self._broker_script(), "remove", broker], check=False)
        shutil.rmtree(self.work, ignore_errors=True)

    def bench(self, name):
        return os.path.join(self.build, "bench", name)

    def start(self, command, core=None, **options):
        options.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(pinned(command, core), **options)
        self._running.append(process)
        return process

    def directory(self, name):
        path = os.path.join(self.work, name)
        os.makedirs(path, exist_ok=True)
        return path

    def _cluster_script(self):
        return os.path.join(self.root, "tests/support/postgres_cluster.sh")

    def _broker_script(self):
        return os.path.join(self.root, "tests/support/rabbit_broker.sh")

    def rabbit(self):
        """A private broker; returns its URL."""
        broker = os.path.join(self.work, "broker%d" % len(self._brokers))
        self._brokers.append(broker)
        return run([self._broker_script(), "start", broker]).strip()

    def postgres(self, flush_delay_us=0):
        """A private server, each of whose flushes takes so much longer; returns its conninfo."""
        os.chmod(self.work, 0o755)
        cluster = os.path.join(self.work, "cluster%d" % len(self._clusters))
        environment = self._slow_flushes(flush_delay_us) if flush_delay_us else {}
        conninfo = run([self._cluster_script(), "start", cluster],
                       env={**os.environ, **environment}).strip()
        self._clusters.append(cluster)
        if flush_delay_us and not preloaded(cluster, SLOW_FLUSH):
            raise RuntimeError(SLOW_FLUSH + " was not loaded into the server")
        return conninfo

    def _slow_flushes(self, delay_us):
        # The server's user need not be able to read the build directory.
        place = shutil.copy(self.bench(SLOW_FLUSH), self.work)
        return {"LD_PRELOAD": place, "FLUSH_DELAY_US": str(delay_us)}


def pinned(command, core):
    """On one processor, if `core` says which, and there are several."""
    if core is None or os.cpu_count() == 1:
        return command
    return ["taskset", "-c", str(core)] + command


def preloaded(cluster, name):
    with open(os.path.join(cluster, "data/postmaster.pid")) as file:
        pid = int(file.readline())
    with open("/proc/%d/maps" % pid) as maps:
        return name in maps.read()


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError("%s ended with %d: %s" % (command[0], done.returncode, done.stdout))
    return done.stdout


def free_port():
    while True:
        port = random.randint(10000, 30000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def await_port(port):
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("nothing listens at port %d" % port)


def cpu_seconds(pid):
    """What all threads of a process have run so far."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_bytes(pid):
    with open("/proc/%d/statm" % pid) as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class SystemCalls:
    """Counts a process's system calls; `count` stays None where that is not possible."""

    def __init__(self, pid):
        self.count = None
        self._pid = pid

    def __enter__(self):
        self._table = tempfile.NamedTemporaryFile()
        self._strace = shutil.which("strace") and subprocess.Popen(
            ["strace", "-c", "-f", "-o", self._table.name, "-p", str(self._pid)],
            stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return self

    def __exit__(self, *unused):
        if not self._strace:
            return
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait()
        total = re.search(rb"^\s*[\d.]+\s+[\d.]+\s+\d*\s+(\d+).*total$", self._table.read(), re.M)
        self.count = int(total.group(1)) if total else None


def google_benchmark(program, name, seconds=None, environment=None):
    """The entries of one run, by name."""
    command = [program, "--benchmark_format=json", "--benchmark_filter=" + name]
    if seconds is not None:
        command.append("--benchmark_min_time=%g" % seconds)
    text = run(command, stderr=subprocess.DEVNULL,
               env={**os.environ, **(environment or {})})
    return {entry["name"]: entry for entry in json.loads(text)["benchmarks"]}


class Wrk:
    """Callbacks from wrk: rate, latency, and what the server used for each."""

    def __init__(self, root, port, pid, *, connections=256, core=1, pipelined=1):
        self._command = pinned(["wrk", "-t1", "-c%d" % connections, "--latency", "-s",
                                os.path.join(root, "bench/callback.lua"),
                                "http://127.0.0.1:%d/callback" % port], core)
        self._pid = pid
        self._environment = {**os.environ, "PIPELINED": str(pipelined)}

    def measure(self, seconds):
        before = cpu_seconds(self._pid)
        text = run(self._command + ["-d%ds" % seconds], env=self._environment)
        used = cpu_seconds(self._pid) - before
        if "Non-2xx" in text or "Socket errors" in text:
            raise RuntimeError("refused: " + text)
        requests = int(re.search(r"(\d+) requests in", text).group(1))
        return {"requests": requests, "rate": float(re.search(r"Requests/sec:\s*([\d.]+)", text).group(1)),
                "cpu_us": used / requests * 1e6,
                "p50_us": microseconds(re.search(r"^\s+50%\s+(\S+)", text, re.M).group(1)),
                "p99_us": microseconds(re.search(r"^\s+99%\s+(\S+)", text, re.M).group(1))}

    def system_calls(self, seconds):
        """A request's. Everything is slower while they are counted, and batches are larger."""
        with SystemCalls(self._pid) as calls:
            requests = self.measure(seconds)["requests"]
        return calls.count and calls.count / requests


def microseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
