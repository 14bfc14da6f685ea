#!/usr/bin/env python3
"""docs/benchmarks.md quotes what docs/bench/results.json holds, and nothing else.

usage: benchmarks_test.py ROOT
"""
import os
import sys
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


class Document(unittest.TestCase):
    def test_it_has_the_table_of_the_results(self):
        with open(os.path.join(ROOT, "docs/benchmarks.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(len(summary.MARK.findall(text)), 1)
        self.assertEqual(summary.filled(text, report.load(os.path.join(ROOT, "docs/bench"))), text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
