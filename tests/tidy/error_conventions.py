#!/usr/bin/env python3
"""How failures are told: error_conventions.py <root of the tree>

What can fail returns a std::error_code, a Failure or a Result (docs/decisions/0050). Here: no
function of production code takes a place to put an error into. Exceptions are named with their
reason, and one that is not needed any more is an error, so that there can only be fewer.
"""
import pathlib
import re
import sys

FOLDERS = ["lib", "apps", "include", "examples"]

# A folder or file -> why functions in it may still fill in an error.
EXCEPTIONS = {
    "lib/http/client/source_connection.": "it reads like Asio's read_some()",
    "lib/journal/file_system.hpp": "reading and writing pieces is like pread(2) and pwrite(2)",
    "lib/journal/posix_file_system.cpp": "the same",
}

OUT_PARAMETER = re.compile(
    r"(?<!const )std::(?:string ?& ?(?:trouble|problem|message|reason|words|why|error\w*)"
    r"|error_code ?& ?\w+)(?= ?[,)=])")


def found_in(text):
    """The numbers of the lines that declare such a parameter."""
    return [text.count("\n", 0, match.start()) + 1 for match in OUT_PARAMETER.finditer(text)]


def check(root):
    complaints, needed = [], set()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            name = path.relative_to(root).as_posix()
            lines = found_in(path.read_text())
            exception = next((known for known in EXCEPTIONS if name.startswith(known)), None)
            if lines and exception:
                needed.add(exception)
            elif lines:
                complaints += [f"{name}:{line}: return a Failure or a Result instead of filling "
                               "in an error" for line in lines]
    complaints += [f"{known}: no longer needs its exception"
                   for known in EXCEPTIONS if known not in needed]
    return complaints


def main():
    complaints = check(pathlib.Path(sys.argv[1]))
    print("\n".join(complaints) or "no errors through parameters")
    return 1 if complaints else 0


# The pattern finds what it is meant to find, and nothing else.
assert found_in("bool f(const std::string& a,\n       std::string& problem);") == [2]
assert found_in("int f(std::error_code& error, int x = 0);") == [1]
assert not found_in("void f(const std::error_code& error, const std::string& message);")
assert not found_in("void f(std::string& text);")

if __name__ == "__main__":
    sys.exit(main())
