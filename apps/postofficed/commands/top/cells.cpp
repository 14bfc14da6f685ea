#include "commands/top/cells.hpp"

#include <utility>

#include "commands/top/text.hpp"
#include "support/figures.hpp"

namespace postofficed::top {
namespace {

constexpr std::size_t wide = 30;  // two of them fit into the narrowest screen

std::string show(const Number& value, std::string (*how)(double)) {
  return value ? how(*value) : "-";
}

std::string show_of(const Number& value, const Number& most, std::string (*how)(double)) {
  if (!value) return "-";
  if (!most || *most <= 0) return how(*value);
  return how(*value) + " of " + how(*most);
}

std::string show(const std::optional<Quantile>& value) {
  if (!value) return "-";
  return (value->beyond ? "> " : "") + show_seconds(value->seconds);
}

std::string show(const Latency& latency) {
  if (!latency.p50) return "-";
  return show(latency.p50) + " / " + show(latency.p99);
}

Colour alarming_if(bool alarming, Colour otherwise = Colour::bold) {
  return alarming ? Colour::bad : otherwise;
}

}  // namespace

std::vector<Cell> work_cells(const Figures& figures) {
  const auto& rates = figures.rates;
  const auto& now = figures.now;
  const bool full = now.in_flight && now.fetch_limit && *now.in_flight >= *now.fetch_limit;
  return {{"callbacks/s", show(rates.callbacks, show_rate)},
          {"ids/s", show(rates.ids, show_rate)},
          {"refused/s", show(rates.refused, show_rate), alarming_if(rates.refused.value_or(0) > 0)},
          {"fetches/s", show(rates.fetches, show_rate)},
          {"failed/s", show(rates.failures, show_rate),
           rates.failures.value_or(0) > 0 ? Colour::warning : Colour::bold},
          {"stored/s", show(rates.stored, show_rate)},
          {"in flight", show_of(now.in_flight, now.fetch_limit, show_count),
           full ? Colour::warning : Colour::bold, wide},
          {"pending", show(now.pending, show_count)}};
}

std::vector<Cell> age_cells(const Sample& now) {
  std::vector<Cell> cells;
  for (const auto& [cause, seconds] : now.oldest) {
    cells.push_back({"oldest " + harmless(cause), show_seconds(seconds)});
  }
  if (cells.empty() && now.lag) cells.push_back({"behind by", show_seconds(*now.lag)});
  return cells;
}

std::vector<Cell> latency_cells(const Figures& figures) {
  std::vector<Cell> cells;
  const std::pair<const char*, const Latency*> all[] = {{"source p50/p99", &figures.source},
                                                        {"answer", &figures.ingress},
                                                        {"flush", &figures.flush},
                                                        {"store", &figures.store},
                                                        {"to row", &figures.receipt_to_row}};
  for (const auto& [name, latency] : all)
    cells.push_back({name, show(*latency), Colour::bold, wide});
  return cells;
}

std::vector<Cell> room_cells(const Sample& now) {
  std::vector<Cell> cells;
  if (now.online || now.offline) {
    cells.push_back({"online", show(now.online, show_count)});
    cells.push_back({"offline", show(now.offline, show_count)});
  }
  if (now.dead_letters) {
    cells.push_back({"dead letters", show_count(*now.dead_letters),
                     *now.dead_letters > 0 ? Colour::warning : Colour::bold});
  }
  if (now.queue_bytes) {
    cells.push_back(
        {"queue", show_of(now.queue_bytes, now.queue_limit, show_bytes), Colour::bold, wide});
  }
  if (now.disk_free) cells.push_back({"disk free", show_bytes(*now.disk_free)});
  if (now.connections) {
    const bool full = now.connections_max && *now.connections >= *now.connections_max;
    cells.push_back(
        {"senders", show_of(now.connections, now.connections_max, show_count), alarming_if(full)});
  }
  return cells;
}

}  // namespace postofficed::top
