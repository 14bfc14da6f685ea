#!/usr/bin/env python3
"""The files that list commands and options are what the daemon's tables say, and their readers take
them: mandoc the manual page, bash its completions.

    reference_test.py TREE POSTOFFICED            # compares and tries
    reference_test.py TREE POSTOFFICED --write    # writes the files
"""
import pathlib
import shutil
import subprocess
import sys

TREE = pathlib.Path(sys.argv[1]).resolve()
DAEMON = sys.argv[2]
BASH = "deploy/completions/postofficed.bash"
ZSH = "deploy/completions/_postofficed"
FISH = "deploy/completions/postofficed.fish"
FILES = {"docs/options.md": "markdown", "docs/postofficed.8": "man", BASH: "bash", ZSH: "zsh",
         FISH: "fish"}
EXAMPLE = "deploy/.example.env"  # its end is made; what stands before is about compose
FAILURES = []


def check(holds, what):
    if not holds:
        FAILURES.append(what)


def made(form):
    return subprocess.run([DAEMON, "help", f"--format={form}"], check=True, capture_output=True,
                          text=True).stdout


def parts_of_example():
    text = (TREE / EXAMPLE).read_text()
    marker = made("env").split("\n", maxsplit=1)[0]
    before, found, after = text.partition(marker)
    return before, found + after


def write_files():
    for path, form in FILES.items():
        (TREE / path).parent.mkdir(exist_ok=True)
        (TREE / path).write_text(made(form))
    before, _ = parts_of_example()
    (TREE / EXAMPLE).write_text(before + made("env"))


def check_files():
    for path, form in FILES.items():
        text = (TREE / path).read_text() if (TREE / path).exists() else ""
        check(text == made(form), f"{path} is not what the tables say: run this with --write")
    check(parts_of_example()[1] == made("env"), f"{EXAMPLE}: its end is not what the tables say")


def read_by(program, *arguments):
    """Whether the program takes the file; a program that is missing takes everything."""
    if not shutil.which(program):
        print(f"not tried: there is no {program}")
        return
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    check(result.returncode == 0 and not result.stdout + result.stderr,
          f"{program} {' '.join(arguments)}: {result.stdout}{result.stderr}")


def completed(*words):
    """What bash offers for the last word."""
    script = f"""source {TREE / BASH}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postofficed; printf '%s\\n' "${{COMPREPLY[@]}}" """
    result = subprocess.run(["bash", "-euc", script, "bash", "postofficed", *words], check=True,
                            capture_output=True, text=True, cwd="/")
    return result.stdout.split()


def check_bash():
    for words, expected in {("wor",): ["worker"],
                            ("journal", "v"): ["verify"],
                            ("journal", "stat", "--js"): ["--json"],
                            ("--fetch-t",): ["--fetch-timeout"],
                            ("worker", "--keep", ""): ["all", "online"],
                            ("--keep", "=", "o"): ["online"],
                            ("--ttl", "1m", "dead-letters", "re"): ["replay"],
                            ("help", "--format", "m"): ["man", "markdown"],
                            ("--config", "/et"): ["/etc"]}.items():
        found = completed(*words)
        check(found == expected, f"bash completes {words} to {found}, not to {expected}")


def main():
    if sys.argv[3:] == ["--write"]:
        return write_files()
    check_files()
    read_by("mandoc", "-T", "lint", "-W", "all", str(TREE / "docs/postofficed.8"))
    read_by("bash", "-n", str(TREE / BASH))
    read_by("zsh", "-n", str(TREE / ZSH))
    read_by("fish", "--no-execute", str(TREE / FISH))
    check_bash()
    for failure in FAILURES:
        print(failure)
    return 1 if FAILURES else 0


sys.exit(main())
