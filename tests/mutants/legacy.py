"""Mistakes that still stand in lib/ as planted(), with the tables of tests/planted/."""
import os
import re

ROW = re.compile(r"\| `([a-z_]+)` \| (.*?)(?: \((S[0-9, S]*)\))? \| `(.*)` \|")


def rows(root, name):
    path = os.path.join(root, "tests/planted", name)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = ROW.match(line)
            if row and planted(root, row[1]):
                yield row.groups()


def planted(root, name, found={}):
    if not found:
        for folder, _, files in os.walk(os.path.join(root, "lib")):
            for file in files:
                with open(os.path.join(folder, file), encoding="utf-8") as text:
                    found.update(dict.fromkeys(re.findall(r"PlantedBug::([a-z_]+)", text.read())))
    return name in found


def add_to(mutants, root, make):
    """Appends what is not a mutant yet; make(name, description) makes one."""
    by_name = {mutant.name: mutant for mutant in mutants}
    converted = set(by_name)
    for table, field in (("README.md", "noticed"), ("real_parts.md", "really_noticed")):
        for name, what, promises, command in rows(root, table):
            if name in converted:
                continue
            if name not in by_name:
                by_name[name] = make(name, what)
                by_name[name].promises = promises.split(", ") if promises else []
                mutants.append(by_name[name])
            getattr(by_name[name], field).append(command)


FLAGS = " -DPOSTOFFICE_PLANTED_BUGS"


def environment(name):
    return {"POSTOFFICE_PLANTED_BUG": name}
