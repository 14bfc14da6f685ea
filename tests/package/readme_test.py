#!/usr/bin/env python3
"""The program in the README is the example that is compiled and run: readme_test.py <root>"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
example = "examples/0_office.cpp"
readme = (root / "README.md").read_text()
shown = re.search(re.escape(f"]({example})") + r".*?```cpp\n(.*?)```", readme, re.S)
if not shown or shown[1] != (root / example).read_text():
    sys.exit(f"README.md does not show {example} as it is")
