#!/usr/bin/env python3
"""clang-tidy over lib/, apps/ and the headers they include: clang_tidy.py <build directory> [file…]

Only what .clang-tidy calls an error, -Wthread-safety included (docs/decisions/0045). Exit 77:
clang-tidy is not installed.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

def gate():
    """What the list WarningsAsErrors names."""
    text = (ROOT / ".clang-tidy").read_text()
    return "".join(re.search(r"^WarningsAsErrors: >\n((?:  .*\n)+)", text, re.M)[1].split())


def for_clang(entry):
    """Neither GCC's precompiled headers nor its own warnings."""
    command = entry["command"].split()
    kept, skip = [], 0
    for word, following in zip(command, command[1:] + [""]):
        if skip:
            skip -= 1
        elif word == "-include" and "cmake_pch" in following:
            skip = 1
        elif not word.startswith("-W") and not word.endswith("ccache"):
            kept.append(word)
    return {**entry, "command": " ".join([*kept, "-Wthread-safety"])}


def commands(build, wanted):
    entries = json.loads((build / "compile_commands.json").read_text())
    for entry in entries:
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if not path.is_relative_to(ROOT):
            continue
        name = str(path.relative_to(ROOT))
        if name in wanted if wanted else name.startswith(("lib/", "apps/")):
            yield name, for_clang({**entry, "file": str(path)})


def check(place, name):
    run = subprocess.run(
        ["clang-tidy", "-p", str(place), "--quiet", f"--checks=-*,{gate()}",
         "--warnings-as-errors=*", str(ROOT / name)], capture_output=True, text=True)
    return run.returncode, run.stdout or run.stderr


def main(build, *wanted):
    if not shutil.which("clang-tidy"):
        print("skipped: clang-tidy is not installed")
        return 77
    build = pathlib.Path(build).resolve()
    place = build / "tidy"
    place.mkdir(exist_ok=True)
    entries = dict(commands(build, wanted))
    (place / "compile_commands.json").write_text(json.dumps(list(entries.values())))
    faults = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for code, said in pool.map(lambda name: check(place, name), entries):
            if code:
                faults += 1
                print(said.replace(f"{ROOT}/", ""), end="", flush=True)
    print(f"clang-tidy: {len(entries)} files, {faults} with faults")
    return 1 if faults or not entries else 0


sys.exit(main(*sys.argv[1:]))
