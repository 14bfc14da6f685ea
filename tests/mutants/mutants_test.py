#!/usr/bin/env python3
"""Every mutant applies to the tree; and mutants.py and run.py, on small cases of their own.

usage: mutants_test.py ROOT
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = sys.argv[1]
FOLDER = os.path.join(ROOT, "tests/mutants")
sys.dont_write_bytecode = True
sys.path.insert(0, FOLDER)
import mutants  # noqa: E402
import run  # noqa: E402

SOURCE = """#pragma once
#include <vector>

int least(int a, int b) {
  return a < b
             ? a : b;
}

int last(int a, int b) {
  (void)a;
  return b;
}
"""
HEAD = """# The greater one is the least.
promise: S4
noticed by: core_tests
file: lib/least.hpp
"""
REPLACES = """@@
-  return a < b
+  return (MUTANT ? b < a : a < b)
"""
INSERTS = """@@
+  if (MUTANT) return a;
   return b;
"""


class OnSmallCases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = os.path.join(folder.name, "root")
        self.tree = os.path.join(folder.name, "tree")
        os.makedirs(os.path.join(self.root, "tests/mutants"))
        self.write("lib/least.hpp", SOURCE)

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.tree, name), encoding="utf-8") as file:
            return file.read()

    def mutant(self, text, name="greater"):
        self.write(f"tests/mutants/{name}.mutant", text)

    def planned(self):
        """The edits and the problems, as text."""
        found, problems = mutants.load(os.path.join(self.root, "tests/mutants"))
        edits, more = mutants.plan(found, self.root)
        return edits, [str(problem).split("tests/mutants/", 1)[1] for problem in problems + more]

    def generate(self):
        edits, problems = self.planned()
        self.assertEqual(problems, [])
        mutants.generate(self.tree, self.root, edits)

    def refused(self, text, why):
        self.mutant(text)
        self.assertEqual(self.planned()[1], [f"greater.mutant:{why}"])

    def test_lines_are_replaced_and_inserted_under_a_switch(self):
        self.mutant(HEAD + REPLACES + INSERTS)
        self.generate()
        switch = '::postoffice::mutant_on("greater")'
        expected = SOURCE.replace("#include <v", '#include "mutant.hpp"\n#include <v')
        expected = expected.replace("return a < b", f"return ({switch} ? b < a : a < b)")
        expected = expected.replace("  return b;", f"  if ({switch}) return a;\n  return b;")
        self.assertEqual(self.read("lib/least.hpp"), expected)
        self.assertIn("bool mutant_on", self.read("lib/mutant.hpp"))

    def test_the_include_names_the_header_from_where_the_file_is(self):
        self.write("apps/daemon/main.cpp", SOURCE)
        self.mutant(HEAD.replace("lib/least.hpp", "apps/daemon/main.cpp") + REPLACES)
        self.generate()
        self.assertIn('#include "../../lib/mutant.hpp"\n', self.read("apps/daemon/main.cpp"))

    def test_white_space_does_not_matter(self):
        self.mutant(HEAD + "@@\n-return  a <   b\n ? a  : b;\n+  MUTANT\n")
        self.generate()
        self.assertIn("mutant_on", self.read("lib/least.hpp"))

    def test_unchanged_files_are_not_written_again_and_old_ones_go(self):
        self.mutant(HEAD + INSERTS)
        self.write("lib/other.hpp", "int other();\n")
        self.generate()
        for name in ("lib/least.hpp", "lib/mutant.hpp"):
            os.utime(os.path.join(self.tree, name), (1, 1))
        os.remove(os.path.join(self.root, "lib/other.hpp"))
        self.generate()
        for name in ("lib/least.hpp", "lib/mutant.hpp"):
            self.assertEqual(os.stat(os.path.join(self.tree, name)).st_mtime, 1)
        self.assertFalse(os.path.exists(os.path.join(self.tree, "lib/other.hpp")))
        self.mutant(HEAD + REPLACES)
        self.generate()
        self.assertIn("b < a", self.read("lib/least.hpp"))

    def test_a_place_that_is_gone_is_refused(self):
        self.refused(HEAD + REPLACES.replace("a < b\n+", "a <= b\n+"),
                     "5: does not stand in lib/least.hpp: return a <= b")

    def test_lines_that_are_not_in_a_row_are_refused(self):
        self.refused(HEAD + "@@\n   return a < b\n-  return b;\n+  MUTANT\n",
                     "5: does not stand in lib/least.hpp: return a < b")

    def test_a_file_that_is_gone_is_refused(self):
        self.refused(HEAD.replace("least.hpp", "gone.hpp") + REPLACES,
                     "5: lib/gone.hpp: No such file or directory")

    def test_a_place_that_could_be_two_is_refused(self):
        self.refused(HEAD + "@@\n-}\n+  MUTANT }\n", "5: stands 2 times in lib/least.hpp: }")

    def test_two_mutants_of_the_same_line_are_refused(self):
        self.mutant(HEAD + REPLACES)
        self.mutant(HEAD + REPLACES + INSERTS, "another")
        self.assertEqual(self.planned()[1],
                         ["greater.mutant:5: changes the same lines of lib/least.hpp as another"])

    def test_two_mutants_that_insert_at_the_same_place_are_refused(self):
        self.mutant(HEAD + INSERTS)
        self.mutant(HEAD + "@@\n   (void)a;\n+  if (MUTANT) return 0;\n", "another")
        self.assertEqual(self.planned()[1],
                         ["greater.mutant:5: changes the same lines of lib/least.hpp as another"])

    def test_neighbours_may_share_unchanged_lines(self):
        self.mutant(HEAD + INSERTS)
        self.mutant(HEAD + "@@\n-  (void)a;\n+  if (MUTANT) return 0;\n   return b;\n", "another")
        self.generate()
        text = self.read("lib/least.hpp")
        self.assertLess(text.index('mutant_on("another")'), text.index('mutant_on("greater")'))

    def test_what_is_incomplete_is_refused(self):
        self.refused(HEAD.replace("promise: S4\n", "") + INSERTS, "1: no promise")
        self.refused(HEAD.replace("S4", "S11") + INSERTS, "2: no such promise: S11")
        self.refused(HEAD.replace("noticed by: core_tests\n", "") + INSERTS,
                     "1: no test that notices it")
        self.refused(HEAD.replace("core_tests", "") + INSERTS, "1: no command")
        self.refused(HEAD[HEAD.index("promise"):] + INSERTS, "1: no description")
        self.refused(HEAD, "1: no change")
        self.refused(HEAD + INSERTS.replace("MUTANT", "true"), "1: no MUTANT in its + lines")

    def test_what_cannot_be_switched_or_placed_is_refused(self):
        self.refused(HEAD + INSERTS + "@@\n-  return a < b\n",
                     "8: no + line: nothing could be switched off")
        self.refused(HEAD + "@@\n+  if (MUTANT) return a;\n",
                     "5: neither - nor unchanged lines: no place to be")
        self.refused(HEAD + INSERTS + "return 0;\n", "8: not understood: return 0;")


    def test_a_test_that_nobody_builds_is_refused(self):
        self.mutant(HEAD.replace("core_tests", "SEED=1 core_tests -tc=a*=b") + INSERTS)
        found, _ = mutants.load(os.path.join(self.root, "tests/mutants"))
        self.write("tests/CMakeLists.txt", "postoffice_test(core_tests core.cpp)")
        self.assertEqual(mutants.without_program(found, self.root), [])
        self.write("tests/CMakeLists.txt", "postoffice_test(hard_core_tests core.cpp)")
        problems = mutants.without_program(found, self.root)
        self.assertTrue(str(problems[0]).endswith("greater.mutant:1: no such test: core_tests"))


class OnSmallPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, run, "BUILD", run.BUILD)
        run.BUILD = folder.name
        os.makedirs(os.path.join(folder.name, "tests"))

    def run_with(self, script, mutant="greater"):
        path = os.path.join(run.BUILD, "tests/small_test")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        return run.run(run.Trial(mutant, "WORD=said small_test now"), 1)

    def test_whoever_fails_has_caught_the_mutant(self):
        scripts = {"exit 1": "failed", "exit 3": "died (3)", "exec sleep 60": "hung"}
        for script, how in scripts.items():
            well, said = self.run_with(script)
            self.assertTrue(well)
            self.assertIn(f"caught: {how} in ", said)

    def test_a_mutant_that_nobody_notices_fails(self):
        well, said = self.run_with("exit 0")
        self.assertFalse(well)
        self.assertIn("NOT CAUGHT", said)

    def test_the_program_gets_the_mutant_and_the_words(self):
        check = '[ "$POSTOFFICE_MUTANT" = greater -a "$WORD" = said -a "$1" = now ] && exit 1'
        self.assertTrue(self.run_with(check)[0])

    def test_without_a_mutant_a_failure_is_one_and_is_shown(self):
        self.assertTrue(self.run_with('[ -z "$POSTOFFICE_MUTANT" ]', mutant="")[0])
        well, said = self.run_with("echo why; exit 1", mutant="")
        self.assertFalse(well)
        self.assertTrue(said.endswith("\nwhy"))

    def test_a_program_that_is_not_there_is_not_a_mutant_caught(self):
        self.assertEqual(run.run(run.Trial("greater", "other_test"), 1),
                         (False, "other_test is not built"))


class OnTheTree(unittest.TestCase):
    def test_every_mutant_applies(self):
        done = subprocess.run(
            [sys.executable, os.path.join(FOLDER, "mutants.py"), "--check", ROOT],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_production_names_no_mutant(self):
        for part in ("lib", "include", "apps"):
            for folder, _, names in os.walk(os.path.join(ROOT, part)):
                for name in names:
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        self.assertIsNone(re.search(rb"mutant|planted", file.read()), path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
