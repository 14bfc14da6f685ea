#!/usr/bin/env python3
"""docs/benchmarks.md quotes what docs/bench/results.json holds, and nothing else.

usage: benchmarks_test.py ROOT
"""
import os
import sys
import tempfile
import unittest

ROOT = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "bench/suite"))
import report  # noqa: E402
import summary  # noqa: E402
from measure import figure  # noqa: E402


def stage(*figures):
    return {"figures": list(figures)}


class Table(unittest.TestCase):
    def test_a_figure_with_its_target_and_command(self):
        rows = list(summary.rows({"store": stage(figure("HOT updates of all", [0.96], at_least=0.97))}))
        self.assertEqual(rows, ["| HOT updates of all | 0.96 | ≥ 0.97 **missed** | `scripts/bench.sh store` |"])

    def test_a_curve_is_one_row(self):
        name = "rows a second, not waiting at commits of %s against waiting"
        row, = summary.rows({"store_5ms": stage(*(figure(name % rows, [gain]) for rows, gain in (
            ("2,000", 1.5), ("4,096", 1.4))))})
        self.assertIn(", flushes 5 ms longer | 1.5 / 1.4 |", row)
        self.assertIn("`scripts/bench.sh --flush-delay 5 store`", row)


class Summary(unittest.TestCase):
    FIGURE = {**figure("speed", [2, 1, 3]), "ours": {"name": "ours", "ns": [3, 1, 2]}, "peer": None, "note": ""}
    STAGE = {"title": "Parsing", "date": "", "commit": "", "machine": {"cores": 2, "model": ""},
             "pairs": 3, "quick": False, "flush_delay_ms": 0, "figures": [FIGURE]}

    def test_a_list_of_samples_is_kept_as_its_median(self):
        self.assertEqual(report.compact(self.STAGE)["figures"][0]["ours"], {"name": "ours", "ns": 2})

    def test_tables_are_the_same_from_samples_and_from_what_is_kept(self):
        with tempfile.TemporaryDirectory() as kept, tempfile.TemporaryDirectory() as made:
            report.write(kept, {"parse": self.STAGE}, made)
            again = report.load(kept)
            self.assertEqual(report.row(again["parse"]["figures"][0]), report.row(self.FIGURE))
            self.assertTrue(os.path.exists(os.path.join(made, "samples.json")))

    def test_what_is_kept_is_small(self):
        directory = os.path.join(ROOT, "docs/bench")
        with open(os.path.join(directory, "results.json"), encoding="utf-8") as file:
            self.assertLess(len(file.readlines()), 400)
        pictures = [name for name in os.listdir(directory) if name.endswith(".svg")]
        self.assertEqual(sorted(pictures), sorted(name + ".svg" for name in report.KEPT_PICTURES))

    def test_the_page_is_made_of_the_results(self):
        directory = os.path.join(ROOT, "docs/bench")
        with open(os.path.join(directory, "README.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), report.markdown(report.load(directory)))


class Document(unittest.TestCase):
    def test_it_has_the_table_of_the_results(self):
        with open(os.path.join(ROOT, "docs/benchmarks.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(len(summary.MARK.findall(text)), 1)
        self.assertEqual(summary.filled(text, report.load(os.path.join(ROOT, "docs/bench"))), text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
