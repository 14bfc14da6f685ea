#include "options/nearest.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <vector>

namespace postofficed {
namespace {

// Shorter words are the beginning of too many others.
constexpr std::size_t beginning_least = 3;

std::string plain(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(c));
  });
  return result;
}

bool is_part(const std::string& word, const std::string& name) {
  if (word.size() < beginning_least) return false;
  return name.starts_with(word) || word.starts_with(name + "-") || name.ends_with("-" + word);
}

}  // namespace

// Row by row through the table of distances between beginnings of `a` and of `b`; a swap looks two
// rows back.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, std::span<const std::string> names) {
  const std::string wanted = plain(word);
  const std::size_t allowed = std::max<std::size_t>(1, wanted.size() / 3);
  std::string best;
  std::size_t best_distance = allowed + 1;  // a part is worse than any misspelling
  for (const auto& name : names) {
    const auto distance = edit_distance(wanted, plain(name));
    if (distance < best_distance || (best.empty() && is_part(wanted, plain(name)))) {
      best = name;
      best_distance = std::min(distance, allowed + 1);
    }
  }
  return wanted.size() < 2 ? std::string() : best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> names,
                         const std::string& before, const std::string& after) {
  const auto name = nearest(word, names);
  return name.empty() ? std::string() : "; did you mean " + before + name + after + "?";
}

}  // namespace postofficed
