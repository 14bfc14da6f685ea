#!/usr/bin/env python3
"""Each header of lib/ compiles alone: self_contained_headers.py <root of the tree> <build directory>

A header that a source includes first is compiled alone by every build. Only the others are compiled
here, with the flags of a source of the same room.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)


def flags_by_room(root, build):
    """Folder of lib/ -> the command that compiles one of its sources, without source and output."""
    result = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not source.is_relative_to(root / "lib"):
            continue
        words = entry.get("arguments") or shlex.split(entry["command"])
        if pathlib.Path(words[0]).name == "ccache":
            words = words[1:]
        words = words[:words.index("-o")] + words[words.index("-o") + 2:]
        words = [word for word in words if word not in ("-c", entry["file"], str(source))]
        result.setdefault(source.parent, words)
    return result


def first_includes(root):
    for source in (root / "lib").rglob("*.cpp"):
        found = INCLUDE.search(source.read_text())
        if found:
            yield root / "lib" / found.group(1)


def flags_for(header, rooms, root):
    folder = header.parent
    while folder != root and folder not in rooms:
        folder = folder.parent
    return rooms.get(folder) or next(iter(rooms.values()))


def compile_alone(header, flags):
    done = subprocess.run(flags + ["-fsyntax-only", "-x", "c++", "-"],
                          input=f'#include "{header}"\n', capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{header} does not compile alone:\n{done.stderr}"


def main(root, build):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build)
    rooms = flags_by_room(root, build)
    headers = sorted(set((root / "lib").rglob("*.hpp")) - set(first_includes(root)))
    if not rooms or not headers:
        return "nothing to compile: is this a build directory?"
    work = [(header, flags_for(header, rooms, root)) for header in headers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [text for text in pool.map(lambda one: compile_alone(*one), work) if text]
    print("\n".join(failures), end="\n" if failures else "")
    print(f"{len(headers)} headers compiled alone, {len(failures)} do not")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
