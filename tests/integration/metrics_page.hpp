// What is in an answer of /metrics, and what docs/metrics.md says about it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace postoffice::testing {

struct Family {
  std::string type;
  std::set<std::string> labels;  ///< names; without "le"
  std::set<std::string> roles;   ///< of the document: "run", …, those that always have it
  std::set<std::string> maybe;   ///< … and those that may
};

using Families = std::map<std::string, Family>;

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// The names of the labels in `line`: {a="x",b="y"}. No value here has a quote or an equals sign.
inline std::set<std::string> labels_in(const std::string& line) {
  std::set<std::string> names;
  const auto open = line.find('{');
  if (open == std::string::npos) return names;
  for (auto at = open; line[at] != '}';) {
    const auto equals = line.find("=\"", at);
    names.insert(line.substr(at + 1, equals - at - 1));
    at = line.find('"', equals + 2) + 1;
  }
  names.erase("le");
  return names;
}

/// From the text that the daemon writes.
inline Families families_in(const std::string& metrics) {
  Families families;
  std::string current;
  for (const auto& line : lines_of(metrics)) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    words >> hash >> what >> name >> type;
    if (hash == "#" && what == "TYPE") {
      current = name;
      CHECK_MESSAGE(families.count(name) == 0, name);
      families[name].type = type;
    } else if (hash != "#") {
      for (const auto& label : labels_in(line)) families[current].labels.insert(label);
    }
  }
  return families;
}

inline std::vector<std::string> cells_of(const std::string& row) {
  std::vector<std::string> cells;
  for (auto at = row.find('|'); at != std::string::npos;) {
    const auto end = row.find('|', at + 1);
    if (end == std::string::npos) break;
    std::string cell = row.substr(at + 1, end - at - 1);
    std::erase_if(cell, [](char c) { return c == ' ' || c == '`'; });
    cells.push_back(cell);
    at = end;
  }
  return cells;
}

inline std::vector<std::string> items_of(const std::string& cell) {
  std::vector<std::string> items;
  std::istringstream stream(cell);
  for (std::string item; std::getline(stream, item, ',');) items.push_back(item);
  return items;
}

/// From the tables of docs/metrics.md: name, type, labels, in, meaning.
inline Families documented_families(const std::string& page) {
  Families families;
  for (const auto& line : lines_of(page)) {
    const auto cells = cells_of(line);
    if (cells.size() != 5 || cells[0] == "name" || cells[0].starts_with("-")) continue;
    Family& family = families[cells[0]];
    family.type = cells[1];
    for (const auto& label : items_of(cells[2])) family.labels.insert(label);
    for (auto role : items_of(cells[3])) {
      const bool maybe = role.ends_with('*');
      if (maybe) role.pop_back();
      (maybe ? family.maybe : family.roles).insert(role);
    }
    CHECK_MESSAGE(!cells[4].empty(), cells[0]);
  }
  return families;
}

/// Both ways: the document has each family as it is, and the daemon has what the document promises.
inline void check_against_document(const std::string& metrics, const std::string& role,
                                   const Families& document) {
  const auto seen = families_in(metrics);
  for (const auto& each : seen) {
    const auto& name = each.first;
    const auto& family = each.second;
    CAPTURE(name);
    const auto known = document.find(name);
    REQUIRE(known != document.end());
    CHECK(known->second.type == family.type);
    CHECK(known->second.labels == family.labels);
    CHECK(known->second.roles.count(role) + known->second.maybe.count(role) == 1);
  }
  for (const auto& each : document) {
    const auto& name = each.first;
    const bool promised = each.second.roles.count(role) == 1;
    CHECK_MESSAGE((!promised || seen.count(name) == 1), name);
  }
}

/// The value of a sample, as `name{labels}` has it; -1 if there is none.
inline double sample(const std::string& metrics, const std::string& name) {
  const auto place = metrics.find("\n" + name + " ");
  if (place == std::string::npos) return -1;
  return std::atof(metrics.c_str() + place + name.size() + 2);
}

constexpr const char* promtool = "/usr/bin/promtool";

/// What `promtool` says with `arguments` and `text` as its input; empty: all is well.
inline std::string ask_promtool(const std::string& arguments, const std::string& text) {
  const TemporaryDirectory notes;
  std::ofstream(notes / "text") << text;
  Process process(
      {"/bin/sh", "-c", "cd " + notes.path() + " && " + promtool + " " + arguments + " < text"});
  const int code = process.exit_code();
  return code == 0 ? std::string() : process.out() + process.err() + std::to_string(code);
}

}  // namespace postoffice::testing
