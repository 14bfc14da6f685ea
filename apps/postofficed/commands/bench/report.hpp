// The figures of `bench`, for people and as a certificate.
#pragma once

#include <string>
#include <vector>

#include "commands/bench/figures.hpp"
#include "commands/bench/verdict.hpp"
#include "support/json_value.hpp"

namespace postofficed::bench {

/// What a certificate of `bench` calls itself.
constexpr const char* certificate_name = "postofficed bench";

/// A figure of this measurement beside the one of a certificate.
struct Comparison {
  enum class Unit { per_second, seconds, bytes };
  std::string name;
  Unit unit = Unit::seconds;
  double now = 0;
  double then = 0;

  double ratio() const { return then > 0 ? now / then : 0; }
};

/// Those that both have. `certificate`: what to_json() wrote, whenever that was.
std::vector<Comparison> compare(const Figures& figures, const JsonValue& certificate);

/// Lines.
std::string to_text(const Figures& figures, const Verdict& verdict,
                    const std::vector<Comparison>& comparisons);

/// One object. `directory`: where it was measured.
std::string to_json(const Figures& figures, const Verdict& verdict,
                    const std::vector<Comparison>& comparisons, const std::string& directory);

}  // namespace postofficed::bench
