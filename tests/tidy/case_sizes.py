#!/usr/bin/env python3
"""Finds test cases of more lines than can be held in mind: usage: case_sizes.py SOURCE_DIRECTORY

clang-tidy does not see them, for doctest's macros hide the functions. A case goes from its macro at
the beginning of a line to the next line that begins with a brace that closes.
"""
import os
import re
import sys

LINES_MAX = 60
BEGINNING = re.compile(r"TEST_CASE\w*\(")


def cases_of(lines):
    """Each case's first line, from 1, and how many lines it has."""
    begun = None
    for number, line in enumerate(lines, 1):
        if begun is None and BEGINNING.match(line):
            begun = number
            if line.rstrip().endswith(");"):  # an invocation
                begun = None
        elif begun is not None and line.startswith("}"):
            yield begun, number - begun + 1
            begun = None


def main(root):
    seen = 0
    long_cases = []
    for folder, _, names in os.walk(os.path.join(root, "tests")):
        for name in sorted(names):
            if not name.endswith((".cpp", ".hpp")):
                continue
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                for begun, size in cases_of(file):
                    seen += 1
                    if size > LINES_MAX:
                        long_cases.append(f"{os.path.relpath(path, root)}:{begun}: {size} lines")
    print("\n".join(long_cases) or f"{seen} test cases, none over {LINES_MAX} lines")
    return 1 if long_cases or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
