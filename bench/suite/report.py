"""What was measured, for programs (JSON), readers (Markdown) and eyes (SVG)."""
import json
import os

import chart
from measure import met

# That the README at the top shows. The others are made, not kept.
KEPT_PICTURES = ("parse", "ingress")


def value_of(entry):
    value, unit = entry["value"], " " + entry["unit"] if entry["unit"] else ""
    text = chart.number(value["median"]) + unit
    if value["samples"] > 1:
        text += " (%s to %s)" % (chart.number(value["low"]), chart.number(value["high"]))
    return text


def side(what):
    """What was divided: "nginx 204: 110,000/s, 7.1 µs"."""
    if not what:
        return ""
    parts = []
    for key, form in (("rate", "{:,.0f}/s"), ("cpu_us", "{:.1f} µs of CPU"), ("p50_us", "p50 {:,.0f} µs"),
                      ("ns", "{:,.0f} ns"), ("appends_a_flush", "{:.0f} appends a flush")):
        if what.get(key) is not None:
            number = what[key]
            if isinstance(number, list):
                number = sorted(number)[len(number) // 2]
            parts.append(form.format(number))
    return "%s: %s" % (what["name"], ", ".join(parts))


def row(entry):
    state = {True: "met", False: "**missed**", None: ""}[met(entry)]
    goal = "" if met(entry) is None else chart.target(entry)
    beside = "; ".join(filter(None, (side(entry["ours"]), side(entry["peer"]), entry["note"])))
    return "| %s | %s | %s | %s | %s |" % (entry["name"], value_of(entry), goal, state, beside)


def about(stage):
    machine = stage["machine"]
    words = ["commit %s" % stage["commit"], stage["date"], "%d cores, %s" % (
        machine["cores"], machine["model"]), "medians of at least %d pairs" % stage["pairs"]]
    return ", ".join(words)


def title(stage):
    delay = stage["flush_delay_ms"]
    return stage["title"] + (", flushes %g ms longer" % delay if delay else "")


def markdown(stages):
    lines = ["# Results of scripts/bench.sh", "",
             "Made by `scripts/bench.sh`; what the figures mean is in [benchmarks.md](../benchmarks.md).",
             "Behind each median stand the quartiles. Rates and times stand beside what they were",
             "divided by, and mean little elsewhere. `build/bench/` has all samples and a picture of each stage."]
    for stage in stages.values():
        lines += ["", "## " + title(stage), "", about(stage), ""]
        if stage["picture"]:
            lines += ["![%s](%s)" % (title(stage), stage["picture"]), ""]
        lines += ["| measured | median | target | | beside |", "|---|---|---|---|---|"]
        lines += [row(entry) for entry in stage["figures"]]
    return "\n".join(lines) + "\n"


def load(directory):
    path = os.path.join(directory, "results.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def compact(stage):
    """With the median of each list of samples in its place: all that tables are made of."""
    def one(what):
        return what and {key: sorted(value)[len(value) // 2] if isinstance(value, list) else value
                         for key, value in what.items()}
    return {**stage, "figures": [{**entry, "ours": one(entry["ours"]), "peer": one(entry["peer"])}
                                 for entry in stage["figures"]]}


def lines_of(stages):
    """JSON with a line a figure."""
    def text(value):
        return json.dumps(value, ensure_ascii=False)
    blocks = []
    for name, stage in stages.items():
        head = ", ".join("%s: %s" % (text(key), text(value)) for key, value in stage.items()
                         if key != "figures")
        figures = ",\n  ".join(text(entry) for entry in stage["figures"])
        blocks.append('%s: {%s, "figures": [\n  %s]}' % (text(name), head, figures))
    return "{" + ",\n".join(blocks) + "}\n"


def save(directory, name, text):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
        file.write(text)


def write(directory, stages, made):
    """The summary into `directory`; all samples and all pictures into `made`, which git ignores."""
    for name, stage in stages.items():
        picture = chart.draw(title(stage), about(stage), stage["figures"])
        kept = picture and (name in KEPT_PICTURES or made == directory)
        stage["picture"] = name + ".svg" if kept else None
        if picture:
            save(made, name + ".svg", picture)
        if kept:
            save(directory, name + ".svg", picture)
    save(made, "samples.json", json.dumps(stages, indent=1, ensure_ascii=False) + "\n")
    save(directory, "results.json", lines_of({name: compact(stage) for name, stage in stages.items()}))
    save(directory, "README.md", markdown(stages))
