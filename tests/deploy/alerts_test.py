#!/usr/bin/env python3
"""deploy/prometheus: each alert fires on what it is about, on nothing else, and ends.

usage: alerts_test.py ROOT
Exit 77: promtool (Debian: prometheus) or PyYAML (python3-yaml) is not installed.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)
if not shutil.which("promtool"):
    print("skipped: promtool is not installed")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from alert_cases import CASES, MORE, Case  # noqa: E402

ROOT = os.path.abspath(sys.argv[1])
RULES = os.path.join(ROOT, "deploy/prometheus/postoffice.rules.yaml")
RECORDED_SERIES = 22  # of alert_cases.WELL
FIRING = 'sum by (alertname, instance) (ALERTS{alertstate="firing"})'


def rules():
    with open(RULES, encoding="utf-8") as file:
        return [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments):
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def headings():
    """The anchors of docs/operating.md, as GitHub makes them of plain headings."""
    with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as file:
        found = re.findall(r"^#+ (.*)$", file.read(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def firing_at(minutes, found):
    """`found`: pairs of an alert and the daemon it is about; all that fire, and no others."""
    def labels(name, instance):
        about = f', instance="{instance}"' if instance else ""
        return f'{{alertname="{name}"{about}}}'

    samples = [{"labels": labels(*each), "value": 1} for each in sorted(found)]
    return {"expr": FIRING, "eval_time": f"{minutes}m", "exp_samples": samples}


def unit_test(cases):
    """All of them have the same times; each is a daemon that is called as the alert."""
    (before, during, after), = {case.minutes for case in cases.values()}
    series = [{"series": key, "values": " ".join(map(str, values))}
              for name, case in cases.items() for key, values in case.series(name)]
    firing = {(alert, "" if case.alone else name)
              for name, case in cases.items() for alert in (name, *case.also)}
    return {"interval": "15s", "input_series": series, "promql_expr_test": [
        firing_at(before - 1, set()), firing_at(before + during - 1, firing),
        firing_at(before + during + after - 1, set())]}


def batches(cases):
    """Those that can be tried together."""
    found = {}
    for name, case in cases.items():
        found.setdefault(name if case.alone else case.minutes, {})[name] = case
    return found.values()


class Rules(unittest.TestCase):
    def test_promtool_takes_them(self):
        result = promtool("check", "rules", RULES)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_each_alert_says_how_bad_it_is_what_it_means_and_where_more_is_said(self):
        self.assertGreater(len(alerts()), 40)
        for name, rule in alerts().items():
            with self.subTest(name):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertTrue(rule["annotations"]["summary"])
                self.assertGreater(len(rule["annotations"]["description"]), 60)
                self.assertEqual(rule["annotations"]["runbook_url"],
                                 "docs/operating.md#" + name.lower())
                self.assertIn(name.lower(), headings())

    def test_the_runbook_has_no_section_for_an_alert_that_is_not_there(self):
        sections = {name for name in headings() if re.fullmatch(r"postoffice[a-z]+", name)}
        self.assertEqual(sections - {name.lower() for name in alerts()}, set())


class Runbook(unittest.TestCase):
    def test_the_shell_can_read_each_command(self):
        with open(os.path.join(ROOT, "docs/operating.md"), encoding="utf-8") as file:
            blocks = re.findall(r"^ *```sh\n(.*?)^ *```", file.read(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 25)
        for block in blocks:
            result = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True,
                                    check=False)
            self.assertEqual(result.stderr, "", block)


class Alerts(unittest.TestCase):
    def check(self, *tests):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            # JSON is YAML, and written faster.
            json.dump({"rule_files": [RULES], "evaluation_interval": "30s", "tests": tests}, file)
            file.flush()
            result = promtool("test", "rules", file.name)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_each_fires_on_its_pattern_and_ends_and_no_other_fires(self):
        self.assertEqual(set(CASES), set(alerts()))
        self.check(*map(unit_test, batches(CASES)))

    def test_each_other_pattern_fires_too(self):
        self.check(*map(unit_test, batches(MORE)))

    def test_two_quiet_hours_fire_none(self):
        test = unit_test({"quiet": Case({}, before=118, during=1, after=1)})
        # That the rules are read at all shows in what they record.
        test["promql_expr_test"] = [firing_at(minutes, set()) for minutes in (3, 40, 119)] + [
            {"expr": 'count({__name__=~"instance:postoffice_.*"})', "eval_time": "119m",
             "exp_samples": [{"labels": "{}", "value": RECORDED_SERIES}]}]
        self.check(test)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
