#!/usr/bin/env python3
"""Which exit code and which lines skipped cases give: skip_test.py <skip_cases program>"""
import subprocess
import sys

program = sys.argv[1]
rest = "skipped: f rest: no server (nor are the cases after it tried)"
# Cases that run, the exit code, the lines "skipped: …".
expected = [
    ("a*", 0, []),
    ("b*", 1, []),
    ("c*", 77, ["skipped: c skipped: no disk"]),
    ("a*,c*", 0, ["skipped: c skipped: no disk"]),
    ("b*,c*", 1, ["skipped: c skipped: no disk"]),
    ("d*", 0, ["skipped: d partly: no second disk"]),
    ("e*", 1, ["skipped: e failed and skipped: no disk"]),
    ("f*,g*", 77, [rest]),
    ("c*,f*,g*", 77, ["skipped: c skipped: no disk", rest]),
    ("a*,f*,g*", 0, [rest]),
    ("b*,f*,g*", 1, [rest]),
    ("no such case", 0, []),
]
wrong = 0
for cases, code, lines in expected:
    run = subprocess.run([program, f"--test-case={cases}", "--order-by=name"],
                         capture_output=True, text=True)
    said = [line for line in run.stdout.splitlines() if line.startswith("skipped: ")]
    if (run.returncode, said) != (code, lines):
        wrong += 1
        print(f"{cases}: exit code {run.returncode}, not {code}; {said}, not {lines}")
sys.exit(1 if wrong else 0)
