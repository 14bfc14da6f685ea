#!/usr/bin/env python3
"""Do the tests notice? Builds a copy of the tree with all mutants in it, switches on one after the
other, and expects the test named in each to fail; without a mutant, each of those tests must pass.

usage: run.py [--real] [MUTANT…]  tries these (all)
       run.py [--real] --build    only builds what that needs, in build/mutants
       run.py [--real] --targets  prints what that builds
       run.py [--real] --list     prints a table: what each is about, and who must notice

With --real it is the tests of the real daemon that must notice: minutes instead of seconds, one
after the other; some need root.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

sys.dont_write_bytecode = True
import mutants as tool  # noqa: E402

ROOT = tool.ROOT
BUILD = os.path.join(ROOT, "build/mutants")
TREE = os.path.join(BUILD, "tree")
# Small and quick to build. Changed code may look odd to the compiler: no warnings.
OPTIONS = {
    "CMAKE_BUILD_TYPE": "Debug",
    "CMAKE_CXX_FLAGS_DEBUG": "",
    "CMAKE_C_FLAGS": "-O1 -w",
    "CMAKE_CXX_FLAGS": "-O1 -w",
    "POSTOFFICE_PRECOMPILE": "ON",
    "POSTOFFICE_UNITY": "ON",
}


@dataclass
class Trial:
    mutant: str  # none, to see the test pass
    command: str


def trials_of(found, real):
    """Each mutant with each test that must notice it, and before that each such test without."""
    mutated = [Trial(mutant.name, command) for mutant in found
               for command in (mutant.really_noticed if real else mutant.noticed)]
    clean = [Trial("", command) for command in sorted({trial.command for trial in mutated})]
    return clean, mutated


def targets_of(trials):
    return sorted({tool.words_of(trial.command)[1][0] for trial in trials})


def build(targets, edits):
    tool.generate(TREE, ROOT, edits)
    options = dict(OPTIONS)
    if shutil.which("ccache"):
        options.update(CMAKE_C_COMPILER_LAUNCHER="ccache", CMAKE_CXX_COMPILER_LAUNCHER="ccache")
    defined = [f"-D{name}={value}" for name, value in options.items()]
    quietly = subprocess.run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", *defined],
                             stdout=subprocess.DEVNULL, check=False)
    return quietly.returncode == 0 and subprocess.run(
        ["cmake", "--build", BUILD, "--parallel", str(os.cpu_count()), "--target", *targets],
        check=False).returncode == 0


def find_program(name):
    for folder, _, names in os.walk(os.path.join(BUILD, "tests")):
        path = os.path.join(folder, name)
        if name in names and os.access(path, os.X_OK):
            return path
    return None


def run(trial, seconds):
    """Whether it went as it must, and what to say of it."""
    variables, command = tool.words_of(trial.command)
    program = find_program(command[0])
    if program is None:
        return False, f"{command[0]} is not built"
    environment = {**os.environ, **variables, "POSTOFFICE_MUTANT": trial.mutant}
    begun = time.monotonic()
    # timeout ends the test's children with it.
    done = subprocess.run(["timeout", "-k", "5", str(seconds), program, *command[1:]],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, check=False)
    status = done.returncode
    how = {0: "passed", 1: "failed", 124: "hung", 137: "hung", -9: "hung"}.get(
        status, f"died ({status})")
    took = f"in {time.monotonic() - begun:.1f} s"
    if trial.mutant:
        said = f"caught: {how} {took}" if status else f"NOT CAUGHT {took}"
        return status != 0, f"{trial.mutant:32} {trial.command:52} {said}"
    said = f"{'no mutant':32} {trial.command:52} {how} {took}"
    if status:
        said += "\n" + done.stdout.decode(errors="replace").rstrip()
    return status == 0, said


def run_all(trials, at_once, seconds):
    all_well = True
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for well, said in pool.map(lambda trial: run(trial, seconds), trials):
            print(said, flush=True)
            all_well = all_well and well
    return all_well


def print_table(found, real):
    print("| mutant | promise | what is wrong | noticed by |\n|---|---|---|---|")
    for mutant in found:
        commands = mutant.really_noticed if real else mutant.noticed
        if commands:
            cells = (f"`{mutant.name}`", ", ".join(mutant.promises), mutant.description,
                     ", ".join(f"`{command}`" for command in commands))
            print(f"| {' | '.join(cells)} |")


def main(arguments):
    options = [word for word in arguments if word.startswith("--")]
    names = [word for word in arguments if not word.startswith("--")]
    actions = [word for word in options if word != "--real"]
    if len(actions) > 1 or not set(actions) <= {"--build", "--targets", "--list"}:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    real = "--real" in options
    found, edits = tool.ready(tool.HERE, ROOT)
    if found is None:
        return 1
    unknown = set(names) - {mutant.name for mutant in found}
    if unknown:
        print("no such mutant: " + ", ".join(sorted(unknown)), file=sys.stderr)
        return 2
    found = [mutant for mutant in found if not names or mutant.name in names]
    if actions == ["--list"]:
        print_table(found, real)
        return 0
    clean, mutated = trials_of(found, real)
    if not mutated:
        print("none of these has a test of this kind", file=sys.stderr)
        return 2
    if actions == ["--targets"]:
        print("\n".join(targets_of(mutated)))
        return 0
    if not build(targets_of(mutated), edits):
        return 1
    if actions == ["--build"]:
        return 0
    print(f"{len(mutated)} mutants:", flush=True)
    # A test that takes longer hangs: that counts as noticed.
    seconds = os.environ.get("POSTOFFICE_MUTANT_SECONDS", 600 if real else 60)
    if not run_all(clean + mutated, 1 if real else os.cpu_count(), seconds):
        print("a mutant was not caught, or a test fails without one")
        return 1
    print("all caught")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
