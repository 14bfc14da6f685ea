#!/usr/bin/env python3
"""Which room of the library may include which: include_directions.py <root of the tree>

A room is a folder of lib/; `lib` itself (its top level) is one that all may use. The public headers
below include/ name no third party. Exceptions are named, and one that is not needed any more is an
error as long as what it names is there, so that there can only be fewer.
"""
import pathlib
import re
import sys

# A room -> the rooms below it. Every room may include itself, `lib` and public headers.
ROOMS = {
    "base": [],
    "codec": ["base"],
    "core": ["base", "codec"],
    "net": ["base"],
    "pipeline": ["base", "core"],
    "journal": ["base", "codec"],
    "http": ["base", "codec", "net"],
    "postgres": ["base", "net"],
    "sqlite": ["base"],
    "rabbitmq": ["base", "codec", "net"],
    "cluster": ["base"],  # on other rooms by their public headers only
    "office": [],
    "lib": ["base", "codec"],
}

# Third-party headers -> who may see them. Standard and system headers are free, but for PURE.
THIRD_PARTIES = {
    r"asio(\.hpp|/.*)": ["net", "http", "postgres", "rabbitmq"],
    r"libpq.*": ["postgres"],
    r"sqlite3\.h": ["sqlite"],
    r"amqp.*|rabbitmq-c/.*": ["rabbitmq"],
    r"rapidjson/.*": ["http"],
    r"llhttp\.h": ["http"],
    r"openssl/.*": ["rabbitmq"],
    r"(spdlog|CLI)/.*": [],
}

# Standard library only: neither system headers nor third parties.
PURE = ["base", "core"]

# Public headers that a pure room may use: values, not parts.
PARTS = re.compile(r"postoffice/(defaults/.*|testing/.*|pipeline\.hpp|asio_event_loop\.hpp)")

# (file, what it includes) -> why it still does.
EXCEPTIONS = {
    ("include/postoffice/asio_event_loop.hpp", "asio/io_context.hpp"):
        "the one header for those who bring an Asio loop of their own",
    ("lib/base/thread.hpp", "pthread.h"): "the standard library cannot name a thread",
    ("lib/base/thread.hpp", "sched.h"): "nor say how one is scheduled",
    ("lib/base/thread.hpp", "signal.h"): "nor keep signals from one",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def room_of(path):
    """lib/ROOM/…; `lib` for its top level; the first folder elsewhere."""
    parts = path.split("/")
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else parts[0]


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.places = ["lib", "include", "apps/postofficed"]
        self.files = sorted(str(path.relative_to(self.root))
                            for place in self.places
                            for path in (self.root / place).rglob("*")
                            if path.suffix in (".cpp", ".hpp"))

    def includes(self, path):
        text = (self.root / path).read_text()
        return [(mark == "<", name) for mark, name in INCLUDE.findall(text)]

    def found(self, path, name):
        """Where a quoted include is, from the root."""
        for folder in [str(pathlib.PurePosixPath(path).parent), *self.places]:
            if (self.root / folder / name).exists():
                return f"{folder}/{name}"
        return None


def quoted_fault(tree, path, name):
    room, target = room_of(path), tree.found(path, name)
    if target is None:
        return None  # generated
    to = room_of(target)
    if to == "apps" and room != "apps":
        return "the library knows nothing of the daemon"
    if room in ("apps", to):
        return None
    if to == "include":
        return "a pure room uses values, not parts" if room in PURE and PARTS.match(name) else None
    if room == "include":
        return "a public header includes public headers only"
    if room not in ROOMS:
        return f"lib/{room} is not in the list of rooms"
    return None if to == "lib" or to in ROOMS[room] else f"lib/{room} does not stand on lib/{to}"


def system_fault(path, name):
    room = room_of(path)
    if room in PURE and ("." in name or "/" in name):
        return f"lib/{room} knows the standard library only"
    for pattern, rooms in THIRD_PARTIES.items():
        if re.fullmatch(pattern, name) and room != "apps" and room not in rooms:
            return f"not for {room}"
    return None


def main(root):
    tree, faults, used, seen = Tree(root), [], set(), 0
    for path in tree.files:
        for angled, name in tree.includes(path):
            seen += 1
            fault = system_fault(path, name) if angled else quoted_fault(tree, path, name)
            if fault and (path, name) in EXCEPTIONS:
                used.add((path, name))
            elif fault:
                faults.append(f"{path} includes {name}: {fault}")
    faults += [f"{path} needs no exception for {name} any more: remove it"
               for path, name in EXCEPTIONS
               if (path, name) not in used and ("asio" in name or tree.found(path, name))]
    print("\n".join(faults) or f"{seen} includes of {len(tree.files)} files, all downwards")
    return 1 if faults or seen < 500 else 0


sys.exit(main(sys.argv[1]))
