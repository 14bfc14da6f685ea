#!/usr/bin/env python3
"""deploy/: every metric that an alert, a recording rule or the dashboard names is one that the daemon
has, and every expression of the dashboard can be parsed.

usage: dashboard_test.py ROOT POSTOFFICED
The daemon runs as run, serve and worker, without any neighbour: some metrics are there only with
one; docs/metrics.md lists them. Exit 77: PyYAML (Debian: python3-yaml) is not installed.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

ROOT, DAEMON = os.path.abspath(sys.argv[1]), sys.argv[2]
RULES = os.path.join(ROOT, "deploy/prometheus/postoffice.rules.yaml")
DASHBOARD = os.path.join(ROOT, "deploy/grafana/postoffice.json")
NAME = re.compile(r"\b(?:postoffice|process)_[a-z0-9_]+\b")
# What Grafana puts in.
VARIABLES = {"$__rate_interval": "5m", "$job": "postoffice", "$instance": ".*"}


@contextlib.contextmanager
def daemon(*arguments):
    """Its port of admin pages, once it listens there."""
    with tempfile.TemporaryDirectory() as directory:
        command = [DAEMON, "--data-dir", directory + "/data", "--listen", "127.0.0.1:0",
                   "--admin-listen", "127.0.0.1:0", *arguments]
        with open(directory + "/log", "w+", encoding="utf-8") as log, \
                subprocess.Popen(command, stderr=log) as process:
            try:
                yield port_of(process, log.name)
            finally:
                process.kill()


def port_of(process, path):
    for _ in range(1000):
        with open(path, encoding="utf-8") as log:
            text = log.read()
        found = re.search(r"admin pages on http://127.0.0.1:(\d+)/", text)
        if found:
            return int(found.group(1))
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError("the daemon does not listen: " + text)


def scraped_names(*arguments):
    with daemon(*arguments) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
            text = page.read().decode()
    return set(re.findall(r"^([a-z_0-9]+)[{ ]", text, re.MULTILINE))


def listed_names():
    path = os.path.join(ROOT, "docs/metrics.md")
    if not os.path.exists(path):
        return {"postoffice_dead_letters", "postoffice_rows", "postoffice_dead_queue_messages",
                "postoffice_shared_watermark_lag_seconds"}
    with open(path, encoding="utf-8") as file:
        return set(NAME.findall(file.read()))


def known_names():
    away = "amqp://127.0.0.1:1/"
    store = ("--store", "postgresql://127.0.0.1:1/")
    names = scraped_names() | scraped_names("--store", "postgresql://127.0.0.1:1/")
    try:
        names |= scraped_names("serve", "--queue", "file+" + away, *store)
        names |= scraped_names("worker", "--queue", away, *store)
    except AssertionError as error:
        if "RabbitMQ support is not built in" not in str(error):
            raise
    names |= listed_names() | {re.sub("_bucket$", "", name) for name in names}
    return names | {name + end for name in names for end in ("_bucket", "_sum", "_count")}


def dashboard():
    with open(DASHBOARD, encoding="utf-8") as file:
        return json.load(file)


def panel_expressions():
    """Of each panel and annotation: its title and what it asks for."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for annotation in dashboard()["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def filled(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def rules():
    with open(RULES, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


def names_in(expression):
    """Those that are metrics of the daemon: neither recorded ones nor parts of patterns."""
    text = re.sub(r"instance:postoffice_\w+:\w+", "", expression)
    return set(NAME.findall(re.sub(r'=~?"[^"]*"', "", text)))


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.known = known_names()

    def test_every_metric_of_a_rule_is_there(self):
        for rule in rules():
            with self.subTest(rule.get("alert") or rule["record"]):
                self.assertEqual(names_in(rule["expr"]) - self.known, set())

    def test_every_metric_of_the_dashboard_is_there(self):
        for title, expression in panel_expressions():
            with self.subTest(title):
                self.assertEqual(names_in(expression) - self.known, set())

    def test_every_metric_of_the_runbook_is_there(self):
        with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(set(NAME.findall(text)) - self.known, set())
        # And what its shell function numbers() is given finds something.
        for pattern in re.findall(r"numbers '([^']+)'", text):
            for part in re.split(r"\|(?![^(]*\))", pattern):  # not inside parentheses
                wanted = "(postoffice|process)_.*" + re.sub(r"\.\*.*", "", part)
                self.assertTrue([name for name in self.known if re.match(wanted, name)], part)

    def test_each_recorded_series_that_is_used_is_recorded(self):
        recorded = {rule["record"] for rule in rules() if "record" in rule}
        for rule in rules():
            used = set(re.findall(r"instance:postoffice_\w+:\w+", rule["expr"]))
            self.assertEqual(used - recorded, set())


class Dashboard(unittest.TestCase):
    def test_every_expression_can_be_parsed(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed")
        # promtool parses the expressions of rules only.
        made = [{"record": f"panel:{number}", "expr": filled(expression)}
                for number, (_, expression) in enumerate(panel_expressions())]
        self.assertGreater(len(made), 60)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"groups": [{"name": "panels", "rules": made}]}, file)
            file.flush()
            result = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True,
                                    text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_only_variables_that_it_has_are_used(self):
        names = {variable["name"] for variable in dashboard()["templating"]["list"]}
        used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(dashboard())))
        self.assertEqual(used - names, set())

    def test_panels_have_an_id_of_their_own_and_a_place_of_their_own(self):
        panels = dashboard()["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        cells = [(x, y) for panel in panels for place in [panel["gridPos"]]
                 for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])]
        self.assertEqual(len(set(cells)), len(cells))
        self.assertLess(max(x for x, _ in cells), 24)

    def test_links_lead_to_alerts_that_there_are(self):
        alerts = {rule["alert"].lower() for rule in rules() if "alert" in rule}
        linked = {link["url"].split("#")[1] for panel in dashboard()["panels"]
                  for link in panel.get("links", [])}
        self.assertGreater(len(linked), 20)
        self.assertEqual(linked - alerts, set())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
