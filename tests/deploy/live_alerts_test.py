#!/usr/bin/env python3
"""Real incidents at a real daemon, scraped by a real Prometheus with the rules of deploy/: the alerts
that are meant fire, with words that are filled in, no others do, and they end.

usage: live_alerts_test.py ROOT POSTOFFICED
Only the times are shorter: a scrape each half second, `for:` 1 s, ranges of minutes are 6 s. Exit 77:
Prometheus (Debian: prometheus) or PyYAML (python3-yaml) is not installed.
"""
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)
if not shutil.which("prometheus"):
    print("skipped: prometheus is not installed")
    sys.exit(77)

ROOT, DAEMON = os.path.abspath(sys.argv[1]), sys.argv[2]
# What other programs do to the disk of this machine is no matter here.
OF_THE_DISK = {"PostofficeQueueDiskFilling", "PostofficeQueueNearlyFull", "PostofficeFlushSlow",
               "PostofficeFlushOverdue", "PostofficeStoreSlow"}
LIMIT = 40  # seconds to wait for what comes by itself on a busy machine


def eventually(condition, limit=LIMIT):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def get(url):
    with urllib.request.urlopen(url, timeout=10) as page:
        return page.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Source:
    """Answers each id; 500 for id 77. May be shut and opened again on its port."""

    def __init__(self):
        self.port, self.server = free_port(), None

    def open(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                number = self.path.rsplit("/", 1)[1]
                body = json.dumps({"id": int(number), "online": True}).encode()
                self.send_response(500 if number == "77" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shut(self):
        self.server.shutdown()
        self.server.server_close()


def shortened(rules):
    """The same conditions in seconds instead of minutes."""
    for group in rules["groups"]:
        group["interval"] = "500ms"
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = "1s"
            rule["expr"] = re.sub(r"\[\d+[mh]\]", "[6s]", rule["expr"])
    return rules


@contextlib.contextmanager
def running(command, log):
    with open(log, "w", encoding="utf-8") as file, \
            subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.kill()


class Prometheus:
    def __init__(self, directory, target):
        with open(os.path.join(ROOT, "deploy/prometheus/postoffice.rules.yaml"),
                  encoding="utf-8") as file:
            rules = shortened(yaml.safe_load(file))
        self.port = free_port()
        self.write(directory + "/rules.yaml", rules)
        self.write(directory + "/prometheus.yml", {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms",
                       "evaluation_interval": "500ms"},
            "rule_files": [directory + "/rules.yaml"],
            "scrape_configs": [{"job_name": "postoffice", "static_configs": [
                {"targets": [f"127.0.0.1:{target}"]}]}]})
        self.command = ["prometheus", f"--config.file={directory}/prometheus.yml",
                        f"--storage.tsdb.path={directory}/tsdb",
                        f"--web.listen-address=127.0.0.1:{self.port}"]

    @staticmethod
    def write(path, value):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)  # JSON is YAML

    def ask(self, path):
        try:
            return json.loads(get(f"http://127.0.0.1:{self.port}/api/v1/{path}"))["data"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return {}

    def value(self, series):
        found = self.ask("query?query=" + urllib.request.quote(series)).get("result", [])
        return float(found[0]["value"][1]) if found else None

    def firing(self):
        return {alert["labels"]["alertname"]: alert for alert in self.ask("alerts").get("alerts", [])
                if alert["state"] == "firing"
                and alert["labels"]["alertname"] not in OF_THE_DISK}


class Incidents(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.directory = stack.enter_context(tempfile.TemporaryDirectory())
        self.source = Source()
        admin = free_port()
        self.port = free_port()
        self.options = ["--data-dir", self.directory + "/data"]
        stack.enter_context(running(
            [DAEMON, *self.options, "--listen", f"127.0.0.1:{self.port}", "--admin-listen",
             f"127.0.0.1:{admin}", "--source", f"http://127.0.0.1:{self.source.port}/objects/{{id}}",
             "--ttl", "10s"], self.directory + "/daemon.log"))
        self.prometheus = Prometheus(self.directory, admin)
        stack.enter_context(running(self.prometheus.command, self.directory + "/prometheus.log"))

    def post(self, ids):
        body = json.dumps({"object_ids": ids}).encode()
        urllib.request.urlopen(f"http://127.0.0.1:{self.port}/callback", body, timeout=10).close()

    def wait(self, condition, what):
        if eventually(condition):
            return
        with open(self.directory + "/daemon.log", encoding="utf-8") as log, \
                open(self.directory + "/prometheus.log", encoding="utf-8") as other:
            self.fail(f"waited {what}, found {sorted(self.prometheus.firing())}\n"
                      + log.read()[-2000:] + other.read()[-2000:])

    def expect(self, *names):
        """These alerts and no others."""
        self.wait(lambda: set(self.prometheus.firing()) == set(names), f"to find {sorted(names)}")

    def check_words(self):
        for name, alert in self.prometheus.firing().items():
            words = " ".join(alert["annotations"].values())
            self.assertNotIn("error", words.lower().replace("error message", "")
                             .replace("last error", "").replace("with errors", ""), name)
            self.assertNotIn("{{", words)
            self.assertNotIn("no value", words)

    def test_a_source_that_is_down_then_one_poison_id(self):
        value, firing = self.prometheus.value, self.prometheus.firing
        stored = 'postoffice_ids_total{outcome="stored"}'
        self.source.open()
        self.wait(lambda: value("up") == 1, "for the first scrape")
        self.post([1, 2, 3])
        self.wait(lambda: value(stored) == 3, "for three rows")
        self.expect()

        self.source.shut()
        self.post([4])
        self.wait(lambda: "PostofficeSourceDown" in firing(), "for PostofficeSourceDown")
        self.check_words()
        self.source.open()
        self.wait(lambda: value(stored) == 4, "for the fourth row")
        self.expect()

        # Among others that are answered.
        self.post([77])
        for number in range(100, 110):
            self.post([number])
            time.sleep(0.2)
        self.wait(lambda: {"PostofficeDeadLettersMade", "PostofficeDeadLettersStanding"}
                  <= set(firing()), "for the alerts about dead letters")
        self.check_words()
        subprocess.run([DAEMON, "dead-letters", "drop", "77", *self.options], check=True,
                       capture_output=True)
        self.expect()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
