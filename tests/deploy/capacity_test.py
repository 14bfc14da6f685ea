#!/usr/bin/env python3
"""The capacity model: what it says agrees with playing it, and docs/scaling.md says the same.

usage: capacity_test.py ROOT
"""
import importlib.util
import os
import subprocess
import sys
import unittest

ROOT = sys.argv[1]
SCRIPT = os.path.join(ROOT, "scripts/capacity.py")
sys.dont_write_bytecode = True
SPECIFICATION = importlib.util.spec_from_file_location("capacity", SCRIPT)
capacity = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(capacity)


class Models(unittest.TestCase):
    def test_fetches_of_an_id_agree_with_playing_it(self):
        for receipts in (0.05, 0.3, 2):
            model = capacity.fetch_rate(receipts, 0.3, 4.3)
            played = capacity.simulated_fetch_rate(receipts, 0.3, 4.3, seed=7, fetches=50_000)
            self.assertAlmostEqual(model / played, 1, delta=0.02)

    def test_an_id_that_never_rests_is_fetched_without_pause(self):
        self.assertAlmostEqual(capacity.fetch_rate(1e4, 0.3, 4.3) * 2.3, 1, delta=1e-3)
        self.assertAlmostEqual(capacity.fetch_rate(1e-6, 0.3, 4.3) / 1e-6, 1, delta=1e-3)

    def test_shards_touched_agree_with_playing_it(self):
        for shards in (8, 100, 1000):
            model = capacity.shards_touched(100, shards)
            self.assertAlmostEqual(model / capacity.simulated_shards_touched(100, shards, seed=7), 1,
                                   delta=0.02)
        self.assertEqual(capacity.shards_touched(100, 1), 1)

    def test_collecting_never_costs_more_than_not_collecting(self):
        for interval in (1e-6, 1e-3, 0.05, 1):
            collected = capacity.batched_messages(1000, 100, 64, interval)
            self.assertLessEqual(collected, 1000 * 100)
            self.assertLessEqual(collected, 64 / interval)

    def test_everything_grows_with_the_load(self):
        small, large = capacity.Load(1000), capacity.Load(10_000)
        for (name, before), (_, after) in zip(small.limits(), large.limits()):
            self.assertGreater(after, before, name)
        self.assertGreaterEqual(large.shards, small.shards)

    def test_numbers_are_shown_with_three_digits(self):
        for value, text in ((0, "0"), (0.2175, "0.217"), (999.4, "999"), (999.9, "1 k"),
                            (28_232, "28.2 k"), (1e9, "1 G")):
            self.assertEqual(capacity.show(value), text)


class Document(unittest.TestCase):
    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              check=False)

    def test_it_has_the_tables_of_the_script(self):
        result = self.run_script("--check", os.path.join(ROOT, "docs/scaling.md"))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_one_load(self):
        result = self.run_script("--callbacks", "5000", "--live", "2000000")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("| live objects | 2 M |", result.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
