#include "commands/top/screen.hpp"

#include <algorithm>
#include <utility>

#include "commands/top/cells.hpp"
#include "commands/top/heat.hpp"
#include "commands/top/text.hpp"
#include "support/figures.hpp"
#include "support/text.hpp"

namespace postofficed::top {
namespace {

using Lines = std::vector<Line>;

constexpr std::size_t column = 10;  // what cells are aligned to
constexpr std::size_t heat_label_width = 10;
constexpr std::size_t heat_rows_max = 6;
constexpr std::size_t heat_rows_min = 2;

Colour colour_of(const std::string& state) {
  if (state == "well" || state == "up") return Colour::good;
  if (state == "idle") return Colour::dim;
  if (state == "behind" || state == "degraded") return Colour::warning;
  return Colour::bad;
}

/// Side by side, as many as fit.
Lines flow(const std::vector<Cell>& cells, std::size_t width) {
  Lines lines;
  std::size_t used = width;
  for (const auto& cell : cells) {
    const auto needed = length(cell.label) + 1 + length(cell.value) + 1;
    const auto taken = std::max(cell.width, (needed + column - 1) / column * column);
    if (used + needed > width + 1 || lines.empty()) {
      lines.emplace_back();
      used = 0;
    }
    lines.back().push_back({cell.label + " ", Colour::dim});
    lines.back().push_back({padded(cell.value, taken - length(cell.label) - 1), cell.colour});
    used += taken;
  }
  return lines;
}

void append(Lines& lines, Lines more) {
  lines.insert(lines.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

Line title(const Model& model, std::size_t width) {
  std::string left = "postofficed";
  if (model.figures) left += " " + harmless(model.figures->now.version);
  left += "  " + model.address;
  if (model.figures && model.figures->now.uptime) {
    left += "  up " + show_seconds(*model.figures->now.uptime);
  }
  std::string state = model.figures ? harmless(model.figures->now.state) : "";
  if (!model.away.empty()) state = "away";
  if (model.paused) state = "paused";
  const auto room = width - std::min(width, length(state) + 1);
  const Colour colour = model.paused ? Colour::warning : colour_of(state);
  return {{padded(cut(left, room), room + (state.empty() ? 0 : 1)), Colour::bold}, {state, colour}};
}

Lines absence(const Model& model, std::size_t width) {
  if (model.away.empty()) return {};
  const std::string text = "no answer for " + show_seconds(model.away_for) + ": " +
                           harmless(model.away) +
                           (model.figures ? "; these are the last figures" : "") + "; trying again";
  Lines lines;
  for (const auto& line : wrapped(text, width)) lines.push_back({{line, Colour::bad}});
  return lines;
}

/// What is known of a part beyond its state, below it.
Lines details(const Part& part, std::size_t width) {
  constexpr std::size_t indent = 2;
  Lines lines;
  const std::pair<std::string, Colour> texts[] = {
      {part.error, Colour::plain},
      {part.means, Colour::plain},
      {part.next.empty() ? part.next : "next: " + part.next, Colour::bold}};
  for (const auto& [text, colour] : texts) {
    for (const auto& line : wrapped(harmless(text), width - std::min(width, indent))) {
      lines.push_back({{std::string(indent, ' ') + line, colour}});
    }
  }
  return lines;
}

Line part_line(const Part& part) {
  Line line{{padded(harmless(part.name), 9), Colour::plain},
            {padded(harmless(part.state), 10), colour_of(part.state)}};
  if (part.for_seconds) line.push_back({"for " + show_seconds(*part.for_seconds), Colour::dim});
  return line;
}

/// All that are well in as few lines as they need.
Lines good_parts(const std::vector<Part>& parts, std::size_t width) {
  std::string text;
  for (const auto& part : parts) {
    if (!part.good()) continue;
    text += (text.empty() ? "" : ", ") + part.name + " " + part.state;
  }
  Lines lines;
  for (const auto& line : wrapped(harmless(text), width)) lines.push_back({{line, Colour::good}});
  return lines;
}

/// `brief`: those that are well share lines.
Lines part_lines(const std::vector<Part>& parts, std::size_t width, bool brief) {
  Lines lines;
  for (const auto& part : parts) {
    if (brief && part.good()) continue;
    lines.push_back(part_line(part));
    if (!part.good()) append(lines, details(part, width));
  }
  if (brief) append(lines, good_parts(parts, width));
  return lines;
}

Lines heat_lines(const Model& model, std::size_t rows, std::size_t width) {
  if (rows < heat_rows_min + 1 || width <= heat_label_width) return {};
  const auto columns = width - heat_label_width;
  const auto drawn = heat(model.source, std::min(rows - 1, heat_rows_max), columns);
  if (drawn.empty()) return {};
  Lines lines{{{"how long the source takes; the newest on the right", Colour::dim}}};
  for (const auto& row : drawn) {
    const std::string label = (row.beyond ? "> " : "< ") + show_seconds(row.up_to);
    const auto blank = columns - std::min(columns, length(row.cells));
    lines.push_back({{padded(label, heat_label_width) + std::string(blank, ' '), Colour::dim},
                     {row.cells, Colour::plain}});
  }
  return lines;
}

/// Parts first, then as much of the heat as there is room for.
Lines lower_half(const Model& model, std::size_t rows, std::size_t width) {
  const auto& parts = model.figures->now.parts;
  Lines lines = part_lines(parts, width, false);
  if (lines.size() > rows) lines = part_lines(parts, width, true);
  if (lines.size() > rows && rows > 0) {
    const auto hidden = lines.size() - (rows - 1);
    lines.resize(rows - 1);
    lines.push_back({{"and " + counted(hidden, "more line"), Colour::dim}});
  }
  lines.resize(std::min(lines.size(), rows));
  Lines above = heat_lines(model, rows - lines.size(), width);
  append(above, std::move(lines));
  return above;
}

/// In a small window figures go before what is wrong does.
Lines below_title(const Model& model, std::size_t rows, std::size_t width) {
  const auto& figures = *model.figures;
  std::vector<Lines> groups;
  std::size_t used = 0;
  for (const auto& cells : {work_cells(figures), age_cells(figures.now), latency_cells(figures),
                            room_cells(figures.now)}) {
    groups.push_back(flow(cells, width));
    used += groups.back().size();
  }
  const auto faults = part_lines(figures.now.parts, width, true).size();
  while (!groups.empty() && used + faults > rows) {
    used -= groups.back().size();
    groups.pop_back();
  }
  Lines lines;
  for (auto& group : groups) append(lines, std::move(group));
  append(lines, lower_half(model, rows - used, width));
  return lines;
}

Line footer(const Model& model) {
  return {{model.paused ? "q quit   p go on" : "q quit   p pause", Colour::dim}};
}

void cut_to(Line& line, std::size_t width) {
  std::size_t used = 0;
  for (auto& span : line) {
    span.text = cut(span.text, width - used);
    used += length(span.text);
  }
}

}  // namespace

std::vector<Line> draw(const Model& model, Area area) {
  Lines lines{title(model, area.width)};
  append(lines, absence(model, area.width));
  const std::size_t foot = model.interactive ? 1 : 0;
  if (model.figures) {
    const auto used = std::min(area.height, lines.size() + foot);
    append(lines, below_title(model, area.height - used, area.width));
  }
  lines.resize(std::min(lines.size(), area.height - std::min(area.height, foot)));
  if (foot != 0) lines.push_back(footer(model));
  for (auto& line : lines) cut_to(line, area.width);
  return lines;
}

}  // namespace postofficed::top
