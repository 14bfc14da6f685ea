"""One picture a stage: a bar for each figure with a target, as long as the target is met."""
from html import escape

from measure import met

LEFT, BARS, RIGHT = 430, 330, 150
ROW, TOP, BOTTOM = 30, 64, 40
LONGEST = 2.0  # times the target; what is longer is cut off there

STYLE = """
    .back { fill: #ffffff; stroke: #d0d7de } .text { fill: #1f2328 } .faint { fill: #59636e }
    .met { fill: #2da44e } .missed { fill: #bf8700 } .line { stroke: #1f2328 } .spread { stroke: #1f2328 }
    .track { fill: #f0f2f5 }
    @media (prefers-color-scheme: dark) {
      .back { fill: #0d1117; stroke: #3d444d } .text { fill: #f0f6fc } .faint { fill: #9198a1 }
      .met { fill: #3fb950 } .missed { fill: #d29922 } .line { stroke: #f0f6fc }
      .spread { stroke: #f0f6fc } .track { fill: #1c2129 }
    }
    text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
    .title { font-size: 16px; font-weight: 600 } .small { font-size: 11px }
"""


def number(value):
    if value == 0:
        return "0"
    return format(value, ",.0f") if value >= 100 else "%.3g" % value


def reach(entry, value):
    """How much of the target `value` is."""
    if entry["at_least"] is not None:
        return value / entry["at_least"]
    if entry["at_most"] == 0:
        return LONGEST if value == 0 else 0
    return LONGEST if value <= 0 else entry["at_most"] / value


def target(entry):
    if entry["at_least"] is not None:
        return "≥ " + number(entry["at_least"])
    return "≤ " + number(entry["at_most"])


def text(x, y, words, kind="text", anchor="start"):
    return '<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>' % (
        x, y, kind, anchor, escape(words))


def bar(entry, y):
    def place(value):
        return LEFT + BARS * min(LONGEST, max(0, reach(entry, value))) / LONGEST
    value = entry["value"]
    low, high = sorted((place(value["low"]), place(value["high"])))
    unit = " " + entry["unit"] if entry["unit"] else ""
    parts = [text(LEFT - 12, y + 19, entry["name"], "text", "end"),
             '<rect class="track" x="%g" y="%g" width="%g" height="18" rx="3"/>' % (
                 LEFT, y + 6, BARS),
             '<rect class="%s" x="%g" y="%g" width="%.1f" height="18" rx="3"/>' % (
                 "met" if met(entry) else "missed", LEFT, y + 6,
                 max(1, place(value["median"]) - LEFT)),
             text(LEFT + BARS + 12, y + 19, "%s%s (%s)" % (number(value["median"]), unit,
                                                           target(entry)))]
    if high - low > 1:
        parts.append('<path class="spread" fill="none" stroke-opacity="0.65" '
                     'd="M%.1f %gh%.1f m0 -3v6 M%.1f %gv6"/>' % (low, y + 15, high - low, low, y + 12))
    return "\n  ".join(parts)


def draw(title, subtitle, entries):
    entries = [entry for entry in entries if met(entry) is not None]
    if not entries:
        return None
    width, height = LEFT + BARS + RIGHT, TOP + ROW * len(entries) + BOTTOM
    goal = LEFT + BARS / LONGEST
    bottom = TOP + ROW * len(entries) + 4
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
             'role="img">' % (width, height, width, height),
             "<title>%s</title>" % escape(title), "<style>%s</style>" % STYLE,
             '<rect class="back" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>' % (
                 width - 1, height - 1),
             text(20, 28, title, "text title"), text(20, 48, subtitle, "faint small")]
    parts += [bar(entry, TOP + ROW * row) for row, entry in enumerate(entries)]
    parts += ['<path class="line" stroke-width="1.5" stroke-dasharray="4 3" d="M%g %dV%d"/>' % (
        goal, TOP - 2, bottom), text(goal, bottom + 16, "target", "faint small", "middle"), "</svg>"]
    return "\n  ".join(parts) + "\n"
