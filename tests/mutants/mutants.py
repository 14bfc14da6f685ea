#!/usr/bin/env python3
"""Mutants: mistakes that somebody could make, as changes to a copy of the tree.

usage: mutants.py --check [ROOT]         every *.mutant is complete and still applies
       mutants.py --generate TREE [ROOT] writes that copy of ROOT, with all mutants in it

README.md describes the format of a *.mutant file.
"""
import os
import re
import shutil
import sys
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# What a build with tests needs.
PARTS = ("CMakeLists.txt", "cmake", "include", "lib", "apps", "examples", "tests")
LEFT_OUT = ("__pycache__", "mutants")
HEADER = "lib/mutant.hpp"
FIELDS = ("promise", "noticed by", "really noticed by")
PROMISE = re.compile(r"S([1-9]|10)$")


@dataclass
class Hunk:
    file: str
    line: int  # of its @@
    lines: list = field(default_factory=list)  # (sign, text)


@dataclass
class Mutant:
    name: str
    path: str
    description: str = ""
    promises: list = field(default_factory=list)
    noticed: list = field(default_factory=list)
    really_noticed: list = field(default_factory=list)
    hunks: list = field(default_factory=list)


@dataclass
class Edit:
    """Lines first to last, exclusive, of a file become others."""
    mutant: Mutant
    hunk: Hunk
    first: int
    last: int
    lines: list

    def overlaps(self, other):
        if self.first == self.last and other.first == other.last:
            return self.first == other.first
        return self.first < other.last and other.first < self.last


class Problem(Exception):
    def __init__(self, path, line, why):
        super().__init__(f"{path}:{line}: {why}")


def parse(path, text):
    mutant = Mutant(os.path.basename(path).removesuffix(".mutant"), path)
    file, description = None, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if line.startswith("#") and file is None:
            description.append(line.lstrip("# ").strip())
        elif colon and name in FIELDS and file is None:
            add_field(mutant, name, value, number)
        elif colon and name == "file" and line.startswith("file:"):
            file = value
        elif line.strip() == "@@" and file is not None:
            mutant.hunks.append(Hunk(file, number))
        elif line[0] in " -+" and mutant.hunks and mutant.hunks[-1].file == file:
            mutant.hunks[-1].lines.append((line[0], line[1:]))
        else:
            raise Problem(path, number, f"not understood: {line.strip()}")
    mutant.description = " ".join(description)
    demand_complete(mutant)
    return mutant


def add_field(mutant, name, value, number):
    if name == "noticed by":
        mutant.noticed.append(value)
    elif name == "really noticed by":
        mutant.really_noticed.append(value)
    else:
        mutant.promises = [promise.strip() for promise in value.split(",")]
        for promise in mutant.promises:
            if not PROMISE.match(promise):
                raise Problem(mutant.path, number, f"no such promise: {promise}")


def demand_complete(mutant):
    missing = [what for what, there in (
        ("name of lower-case words", re.match(r"[a-z0-9_]+$", mutant.name)),
        ("description", mutant.description),
        ("promise", mutant.promises),
        ("test that notices it", mutant.noticed + mutant.really_noticed),
        ("command", all(mutant.noticed + mutant.really_noticed)),
        ("change", mutant.hunks),
        ("MUTANT in its + lines",
         any(sign == "+" and re.search(r"\bMUTANT\b", text)
             for hunk in mutant.hunks for sign, text in hunk.lines)),
    ) if not there]
    if missing:
        raise Problem(mutant.path, 1, f"no {missing[0]}")
    for hunk in mutant.hunks:
        signs = [sign for sign, _ in hunk.lines]
        if "+" not in signs:
            raise Problem(mutant.path, hunk.line, "no + line: nothing could be switched off")
        if all(sign == "+" for sign in signs):
            raise Problem(mutant.path, hunk.line, "neither - nor unchanged lines: no place to be")


def squeezed(line):
    return " ".join(line.split())


def edits_of(mutant, hunk, source):
    """What a hunk does to a file, given as its lines."""
    wanted = [squeezed(text) for sign, text in hunk.lines if sign != "+"]
    lines = [squeezed(line) for line in source]
    places = [at for at in range(len(lines) - len(wanted) + 1)
              if lines[at:at + len(wanted)] == wanted]
    if len(places) != 1:
        stands = f"stands {len(places)} times" if places else "does not stand"
        raise Problem(mutant.path, hunk.line, f"{stands} in {hunk.file}: {wanted[0]}")
    at, edits, open_edit = places[0], [], None
    for sign, text in hunk.lines:
        if sign == " ":
            at, open_edit = at + 1, None
            continue
        if open_edit is None:
            open_edit = Edit(mutant, hunk, at, at, [])
            edits.append(open_edit)
        if sign == "-":
            at += 1
            open_edit.last = at
        else:
            switch = f'::postoffice::mutant_on("{mutant.name}")'
            open_edit.lines.append(re.sub(r"\bMUTANT\b", switch, text))
    return edits


def load(folder):
    """The mutants of a folder, and what is wrong with those that are not understood."""
    mutants, problems = [], []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".mutant"):
            continue
        path = os.path.join(folder, name)
        try:
            with open(path, encoding="utf-8") as file:
                mutants.append(parse(path, file.read()))
        except Problem as problem:
            problems.append(problem)
    return mutants, problems


def plan(mutants, root):
    """The edits of all mutants by file, in order, and why some cannot be made."""
    sources, edits, problems = {}, {}, []
    for mutant in mutants:
        for hunk in mutant.hunks:
            try:
                if hunk.file not in sources:
                    with open(os.path.join(root, hunk.file), encoding="utf-8") as file:
                        sources[hunk.file] = file.read().splitlines()
                edits.setdefault(hunk.file, []).extend(
                    edits_of(mutant, hunk, sources[hunk.file]))
            except OSError as error:
                problems.append(Problem(mutant.path, hunk.line, f"{hunk.file}: {error.strerror}"))
            except Problem as problem:
                problems.append(problem)
    for of_file in edits.values():
        of_file.sort(key=lambda edit: (edit.first, edit.last))
        for index, edit in enumerate(of_file):
            problems += [
                Problem(edit.mutant.path, edit.hunk.line,
                        f"changes the same lines of {edit.hunk.file} as {other.mutant.name}")
                for other in of_file[:index] if edit.overlaps(other)]
    return edits, problems


def words_of(command):
    """The variables of [VARIABLE=value…] PROGRAM [options…], and the words behind them."""
    words = command.split()
    variables = 0
    while "=" in words[variables]:
        variables += 1
    return dict(word.split("=", 1) for word in words[:variables]), words[variables:]


def without_program(mutants, root):
    """Mutants whose test nothing in tests/ builds. Not all are run by CI, which would notice."""
    built = set()
    for folder, _, names in os.walk(os.path.join(root, "tests")):
        if "CMakeLists.txt" in names:
            with open(os.path.join(folder, "CMakeLists.txt"), encoding="utf-8") as file:
                built.update(re.findall(r"\w+", file.read()))
    return [Problem(mutant.path, 1, f"no such test: {words_of(command)[1][0]}")
            for mutant in mutants for command in mutant.noticed + mutant.really_noticed
            if words_of(command)[1][0] not in built]


def changed(text, edits, file):
    lines = text.splitlines()
    for edit in reversed(edits):
        lines[edit.first:edit.last] = edit.lines
    header = os.path.relpath(HEADER, os.path.dirname(file))
    first = next((at for at, line in enumerate(lines) if line.startswith("#include")), 0)
    lines.insert(first, f'#include "{header}"')
    return "\n".join(lines) + "\n"


def files_of(root):
    for part in PARTS:
        if os.path.isfile(os.path.join(root, part)):
            yield part
        for folder, folders, names in os.walk(os.path.join(root, part)):
            folders[:] = [name for name in folders if name not in LEFT_OUT]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), root)


def put(path, content, like):
    """Writes a file, but not the same again, for which everything would be built again."""
    try:
        with open(path, "rb") as file:
            if file.read() == content:
                return
    except OSError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    shutil.copymode(like, path)


def generate(tree, root, edits):
    wanted = {HEADER: os.path.join(HERE, "mutant.hpp")}
    wanted.update((name, os.path.join(root, name)) for name in files_of(root))
    for name, origin in wanted.items():
        with open(origin, "rb") as file:
            content = file.read()
        if name in edits:
            content = changed(content.decode(), edits[name], name).encode()
        put(os.path.join(tree, name), content, origin)
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, tree) not in wanted:
                os.remove(path)


def ready(folder, root):
    """The mutants and their edits, if all is well with them; says what is wrong otherwise."""
    mutants, problems = load(folder)
    edits, more = plan(mutants, root)
    problems += more + without_program(mutants, root)
    for problem in problems:
        print(problem, file=sys.stderr)
    return (None, None) if problems else (mutants, edits)


def main(arguments):
    check = arguments[:1] == ["--check"]
    rest = arguments[1:] if check else arguments[2:]
    if (not check and arguments[:1] != ["--generate"]) or len(arguments) > (2 if check else 3):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    root = rest[0] if rest else ROOT
    mutants, edits = ready(os.path.join(root, "tests/mutants"), root)
    if mutants is None:
        return 1
    if not check:
        generate(arguments[1], root, edits)
    print(f"{len(mutants)} mutants apply")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
