#!/usr/bin/env python3
"""Checks deploy/systemd/ against systemd's own tools and the daemon that is really there: the unit is
hardened and without faults, its command starts on the sockets of its socket units, and what the
daemon calls of the system is what the unit lets through.

usage: service_test.py ROOT POSTOFFICED
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

ROOT, DAEMON = sys.argv[1], os.path.abspath(sys.argv[2])
UNITS = os.path.join(ROOT, "deploy/systemd")
SOCKET_UNITS = ("postofficed.socket", "postofficed-admin.socket")
EXPOSURE_MAX = 2.0


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def settings(unit):
    """The (name, value) of each line, in order."""
    lines = text_of("deploy/systemd/" + unit).splitlines()
    return [tuple(line.split("=", 1)) for line in lines if re.match(r"[A-Z]\w*=", line)]


def values(unit, name):
    return [value for key, value in settings(unit) if key == name]


def value(unit, name):
    found, = values(unit, name)
    return found


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


def eventually(condition, limit=20):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is missing")
class Analyze(unittest.TestCase):
    def run_on_copies(self, *command):
        """On copies that name the daemon of this build."""
        with tempfile.TemporaryDirectory() as directory:
            for unit in ("postofficed.service", *SOCKET_UNITS):
                with open(os.path.join(directory, unit), "w", encoding="utf-8") as file:
                    text = text_of("deploy/systemd/" + unit)
                    file.write(text.replace("/usr/bin/postofficed", DAEMON))
            units = [os.path.join(directory, unit) for unit in ("postofficed.service", *SOCKET_UNITS)]
            return subprocess.run(["systemd-analyze", *command, *units], capture_output=True,
                                  text=True, check=False)

    def test_the_unit_gives_the_daemon_little(self):
        unit = os.path.join(UNITS, "postofficed.service")
        result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                                capture_output=True, text=True, check=False)
        if "unrecognized option" in result.stderr:
            self.skipTest("this systemd-analyze has no --offline")
        level = re.search(r"exposure level for postofficed.service: ([0-9.]+)", result.stdout)
        self.assertTrue(level, result.stdout + result.stderr)
        self.assertLessEqual(float(level.group(1)), EXPOSURE_MAX)

    def test_the_units_have_no_faults(self):
        result = self.run_on_copies("verify", "--man=no")
        # Of units of this machine that are loaded with ours nothing is said here.
        ours = [line for line in result.stderr.splitlines() if "postofficed" in line]
        self.assertEqual(ours, [])
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_fault_would_be_seen(self):
        with tempfile.TemporaryDirectory() as directory:
            unit = os.path.join(directory, "postofficed.service")
            with open(unit, "w", encoding="utf-8") as file:
                file.write("[Service]\nExecStart=/no/such/program\nNoSuchSetting=yes\n")
            result = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                    capture_output=True, text=True, check=False)
            self.assertIn("postofficed.service", result.stderr)


class Unit(unittest.TestCase):
    def test_a_stop_has_more_time_than_draining_takes(self):
        usage = subprocess.run([DAEMON, "--help"], check=True, capture_output=True, text=True).stdout
        limit = 0
        for option in ("drain-limit", "drain-delay"):
            found = re.search(r"--" + option + r"\b[^\[]*\[(\d+s)\]", usage)
            limit += seconds(found.group(1)) if found else 0
        self.assertGreaterEqual(limit, 5)
        self.assertGreater(seconds(value("postofficed.service", "TimeoutStopSec")), 2 * limit)

    def test_it_restarts_after_all_that_can_heal(self):
        self.assertEqual(value("postofficed.service", "Restart"), "on-failure")
        prevented = value("postofficed.service", "RestartPreventExitStatus").split()
        self.assertEqual(prevented, ["64", "78"])
        self.assertEqual(value("postofficed.service", "StartLimitIntervalSec"), "0")

    def test_the_store_without_a_secret_is_in_the_state_directory(self):
        state = "/var/lib/" + value("postofficed.service", "StateDirectory")
        self.assertEqual(value("postofficed.service", "SetCredential"),
                         f"store:sqlite:{state}/objects.db")

    def test_the_example_of_a_configuration_is_valid(self):
        with tempfile.TemporaryDirectory() as directory:
            result = subprocess.run([DAEMON, "validate", "--data-dir", directory + "/data",
                                     "--config", os.path.join(UNITS, "postofficed.conf")],
                                    capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_the_document_explains_every_line(self):
        document = text_of("docs/service.md")
        for unit in ("postofficed.service", *SOCKET_UNITS):
            for name, _ in settings(unit):
                self.assertIn(f"`{name}", document, unit)


class Manager:
    """What systemd does for the units, by their own words: sockets with names, a credential, a state
    directory and a socket to notify; then their command."""

    def __init__(self, prefix=()):
        self.directory = tempfile.TemporaryDirectory()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path("notify"))
        self.notify.setblocking(False)
        self.heard = ""
        self.sockets = [(name, self.listen(address)) for name, address in self.addresses()]
        for directory in ("state", "credentials"):
            os.mkdir(self.path(directory), 0o700)
        credential = value("postofficed.service", "SetCredential").split(":", 1)
        state = "/var/lib/" + value("postofficed.service", "StateDirectory")
        with open(self.path("credentials/" + credential[0]), "w", encoding="utf-8") as file:
            file.write(credential[1].replace(state, self.path("state")))
        with open(self.path("log"), "wb") as log:
            # The shell knows the number of the process that the sockets are for: its own.
            self.daemon = subprocess.Popen(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *prefix, *self.command("ExecStart")],
                stderr=log, close_fds=False, env=self.environment(), preexec_fn=self.pass_sockets)

    @staticmethod
    def addresses():
        for unit in SOCKET_UNITS:
            for address in values(unit, "ListenStream"):
                yield value(unit, "FileDescriptorName"), address

    @staticmethod
    def listen(address):
        """On a port that is free, instead of the one named."""
        host = address.rsplit(":", 1)[0].strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.bind((host, 0))
        except OSError:  # no IPv6 here
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        return listener

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def command(self, setting):
        text = value("postofficed.service", setting)
        for written, real in (("/usr/bin/postofficed", DAEMON), ("%d", self.path("credentials")),
                              ("/etc/postoffice/postofficed.conf",
                               os.path.join(UNITS, "postofficed.conf"))):
            text = text.replace(written, real)
        return text.split()

    def environment(self):
        watchdog = seconds(value("postofficed.service", "WatchdogSec")) * 10**6
        return {"PATH": os.environ["PATH"], "STATE_DIRECTORY": self.path("state"),
                "NOTIFY_SOCKET": self.path("notify"), "WATCHDOG_USEC": str(watchdog),
                "LISTEN_FDS": str(len(self.sockets)),
                "LISTEN_FDNAMES": ":".join(name for name, _ in self.sockets)}

    def pass_sockets(self):
        """From descriptor 3 on; first out of the way of each other."""
        high = [os.dup2(listener.fileno(), 50 + i, inheritable=False)
                for i, (_, listener) in enumerate(self.sockets)]
        for i, descriptor in enumerate(high):
            os.dup2(descriptor, 3 + i)

    def hears(self, text):
        try:
            while True:
                self.heard += self.notify.recv(4096).decode() + "\n"
        except BlockingIOError:
            return text in self.heard

    def get(self, listener, path, body=None):
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
        with urllib.request.urlopen(url, body, timeout=10) as answer:
            return answer.status

    def end(self):
        self.daemon.kill()
        self.daemon.wait()
        for _, listener in self.sockets:
            listener.close()
        self.notify.close()
        self.directory.cleanup()

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()


def permitted_calls():
    """By the unit's SystemCallFilter, as systemd resolves its groups."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], check=True,
                            capture_output=True, text=True).stdout
    groups, current = {}, None
    for line in re.sub("\033\\[[0-9;]*m", "", listed).splitlines():
        word = line.strip()
        if line.startswith("@"):
            current = groups.setdefault(word, set())
        elif current is not None and word and not word.startswith("#"):
            current.add(word)

    def resolved(name):
        if not name.startswith("@"):
            return {name}
        return set().union(*(resolved(other) for other in groups[name]))

    permitted = set()
    for line in values("postofficed.service", "SystemCallFilter"):
        names = set().union(*(resolved(name) for name in line.lstrip("~").split()))
        permitted = permitted - names if line.startswith("~") else permitted | names
    return permitted | resolved("@default")


class Start(unittest.TestCase):
    def start(self, prefix=()):
        manager = Manager(prefix)
        self.addCleanup(manager.end)
        self.assertTrue(eventually(lambda: manager.hears("READY=1")), manager.log())
        return manager

    def use(self, manager):
        for name, listener in manager.sockets:
            if name == "callback":
                self.assertEqual(manager.get(listener, "/callback", b'{"object_ids":[1,2]}'), 202)
            else:
                self.assertEqual(manager.get(listener, "/readyz"), 200)

    def test_the_command_of_the_unit_starts_on_the_sockets_of_its_units(self):
        manager = self.start()
        self.use(manager)
        self.assertTrue(eventually(lambda: manager.hears("WATCHDOG=1")))
        program, *arguments = manager.command("ExecReload")
        number = {"-HUP": signal.SIGHUP}[arguments[0]]
        self.assertEqual((program, arguments[1]), ("/bin/kill", "$MAINPID"))
        manager.daemon.send_signal(number)
        self.assertTrue(eventually(lambda: manager.hears("RELOADING=1")))
        manager.daemon.send_signal(
            getattr(signal, value("postofficed.service", "KillSignal")))
        self.assertEqual(manager.daemon.wait(30), 0)
        self.assertTrue(manager.hears("STOPPING=1"))
        self.assertTrue(os.path.exists(manager.path("state/objects.db")))

    @unittest.skipUnless(shutil.which("strace") and shutil.which("systemd-analyze"),
                         "strace or systemd-analyze is missing")
    def test_the_unit_lets_through_what_the_daemon_calls(self):
        with tempfile.TemporaryDirectory() as directory:
            trace = os.path.join(directory, "trace")
            prefix = ["strace", "-D", "-f", "-qq", "-c", "-U", "name", "-o", trace]
            if subprocess.run([*prefix, "true"], check=False).returncode != 0:
                self.skipTest("strace may not trace here")
            if os.path.exists(trace):
                os.unlink(trace)
            manager = self.start(prefix)
            self.use(manager)
            manager.daemon.terminate()
            self.assertEqual(manager.daemon.wait(30), 0)
            self.assertTrue(eventually(lambda: os.path.exists(trace) and os.path.getsize(trace) > 0))
            with open(trace, encoding="utf-8") as file:
                called = set(re.findall(r"^([a-z_0-9]+)$", file.read(), re.MULTILINE))
        self.assertIn("fdatasync", called)
        called -= {"syscall", "total"}  # the table's own words
        if os.geteuid() == 0:
            called.discard("fchown")  # SQLite as root only, and it looks at no error
        self.assertEqual(called - permitted_calls(), set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
