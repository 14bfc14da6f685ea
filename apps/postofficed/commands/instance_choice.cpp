#include "commands/instance_choice.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <set>

namespace postofficed {
namespace {

using postoffice::PostgresInstanceList;
using postoffice::PostgresInstanceRow;

// Workers write a few times a second; publishers register anew every ten seconds.
constexpr std::chrono::seconds silence_of_worker{3};
constexpr std::chrono::seconds silence_of_publisher{15};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string seconds_text(postoffice::Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(span).count());
  return text;
}

// A daemon with a queue of its own is fenced and stays so until it is started again, so it may be
// retired at any time. Workers write the beat of every publisher that they have heard, even of one
// that is gone; but no watermark goes on without ticks of its publisher.
bool comes_back(const PostgresInstanceRow& row, postoffice::Timestamp now) {
  if (row.stopped || row.shard < 0) return false;
  if (row.publisher == 0) return now - row.beat <= silence_of_worker;
  const bool goes_on =
      row.watermark == postoffice::Timestamp::min() || now - row.watermark <= silence_of_publisher;
  return goes_on && now - row.beat <= silence_of_publisher;
}

}  // namespace

Result<std::string> choose_instance(const PostgresInstanceList& list, const std::string& wanted) {
  std::set<std::string> named;
  for (const auto& row : list.rows) {
    if (row.id() == lower(wanted)) return row.id();
    if (row.name == wanted) named.insert(row.id());
  }
  if (named.size() == 1) return *named.begin();
  if (named.empty()) {
    return Failure(ExitCode::usage, "there is no instance \"" + wanted +
                                        "\"; `postofficed instances list` shows the instances");
  }
  std::string ids;
  for (const auto& id : named) ids += (ids.empty() ? "" : ", ") + id;
  return Failure(ExitCode::usage, "\"" + wanted + "\" is " + std::to_string(named.size()) +
                                      " instances; give the ID of one of them: " + ids);
}

std::string why_alive(const PostgresInstanceList& list, const std::string& id) {
  for (const auto& row : list.rows) {
    if (row.id() != id || !comes_back(row, list.now)) continue;
    return id + (row.name.empty() ? "" : " (" + row.name + ")") + " is alive: it wrote " +
           seconds_text(list.now - row.beat) +
           " ago, and would be back within seconds. Stop it first, or give --force";
  }
  return {};
}

}  // namespace postofficed
