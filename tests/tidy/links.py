#!/usr/bin/env python3
"""The documents of the tree: links.py <root of the tree>

Every relative link points at a file that is there, and every anchor at a heading. A path of the tree
between backticks is there, but for decisions and the changelog, which speak of their day. A decision's
number belongs to one file, and a number that is mentioned ("decision 0017", "[0017]") has a file. Prose in
docs/ is wrapped at 100 columns; tables, code and lines of one unbreakable word are not.
"""
import pathlib
import re
import sys
import urllib.parse

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")
PATH = re.compile(r"`((?:apps|bench|cmake|deploy|examples|include|lib|scripts|tests)/[\w./*-]+)[ `]")
MENTION = re.compile(r"(?:decisions?/|[Dd]ecision )(\d{4})\b|\[(\d{4})\]")


def prose(text):
    """Without code: neither fenced nor between backticks."""
    text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda code: "`" + "x" * (len(code[0]) - 2) + "`", text)


def anchors(text):
    """As GitHub makes them of headings."""
    found = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$",
                              re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        number = 0
        while (name if number == 0 else f"{name}-{number}") in found:
            number += 1
        found.add(name if number == 0 else f"{name}-{number}")
    return found


def link_fault(root, path, link):
    if SCHEME.match(link):
        return None
    name, _, anchor = urllib.parse.unquote(link).partition("#")
    target = path if not name else (path.parent / name).resolve()
    if not target.exists():
        return "there is no such file"
    if not target.is_relative_to(root):
        return "it leads out of the tree"
    if anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
        return "there is no such heading"
    return None


def missing_paths(root, name, text):
    if name.name == "CHANGELOG.md" or name.parts[:2] == ("docs", "decisions"):
        return []
    return [path for path in PATH.findall(text)
            if not any(any(root.glob(path.rstrip("/") + end)) for end in ("", ".cpp"))]


def long_lines(text):
    """The numbers of lines of prose that are longer than 100 columns."""
    code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            code = not code
        elif not code and len(line) > 100 and not line.startswith(("|", "    ")) and " " in line.strip():
            yield number


def main(root):
    root = pathlib.Path(root).resolve()
    documents = [path for path in sorted(root.rglob("*.md"))
                 if path.relative_to(root).parts[0] not in ("build", ".git")]
    decisions = [path.name[:4] for path in (root / "docs/decisions").glob("*.md")]
    faults = [f"docs/decisions: {number} is given twice"
              for number in sorted(set(decisions)) if decisions.count(number) > 1]
    links = 0
    for path in documents:
        name, text = path.relative_to(root), prose(path.read_text())
        if name.parts[0] == "docs":
            faults += [f"{name}:{line}: longer than 100 columns"
                       for line in long_lines(path.read_text())]
        faults += [f"{name}: {missing}: there is no such path"
                   for missing in missing_paths(root, name, path.read_text())]
        for link in LINK.findall(text):
            links += 1
            fault = link_fault(root, path, link)
            if fault:
                faults.append(f"{name}: {link}: {fault}")
        for numbers in MENTION.findall(text):
            number = numbers[0] or numbers[1]
            if number not in decisions:
                faults.append(f"{name}: there is no decision {number}")
    print("\n".join(faults) or f"{links} links in {len(documents)} documents")
    return 1 if faults or links < 50 else 0


sys.exit(main(sys.argv[1]))
