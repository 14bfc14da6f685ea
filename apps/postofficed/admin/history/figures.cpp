#include "admin/history/figures.hpp"

#include <chrono>
#include <iterator>
#include <limits>
#include <string_view>

namespace postofficed {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

double number(std::uint64_t value) { return static_cast<double>(value); }

using Space = postoffice::FileQueue::Space;

double room(const Look& look, std::uint64_t Space::*bytes) {
  if (!look.space || (*look.space).*bytes == Space::unknown) return unknown;
  return number((*look.space).*bytes);
}

double counted(const Look& look, std::uint64_t StoreCounts::*rows) {
  return look.counts ? number((*look.counts).*rows) : unknown;
}

// As of the newest move of the pipeline, like everything else in its status.
double oldest_pending_seconds(const Look& look) {
  if (look.status.pending == 0) return 0;
  const std::chrono::duration<double> age = look.status.now - look.status.oldest_pending;
  return age.count() > 0 ? age.count() : 0;
}

// Since a receipt; 0: none waits. Nothing is known while nobody fills it in (a publisher, say).
double waited(const Look& look, postoffice::Timestamp receipt) {
  if (receipt == postoffice::Timestamp{}) return unknown;
  const std::chrono::duration<double> age = look.status.now - receipt;
  return age.count() > 0 ? age.count() : 0;
}

// 0 idle, 1 well, … 4 down: as PartState, which rises with badness.
double state_of(const Look& look, std::string_view name) {
  for (const auto& part : look.parts) {
    if (part.part == name) return static_cast<double>(part.state);
  }
  return unknown;
}

constexpr Figure table[] = {
    {"callbacks", Fold::sum,
     [](const Look& look) { return number(look.status.accepted_callbacks); }},
    {"ids", Fold::sum, [](const Look& look) { return number(look.status.accepted_ids); }},
    {"stored", Fold::sum, [](const Look& look) { return number(look.status.stored); }},
    {"merged", Fold::sum, [](const Look& look) { return number(look.status.merged); }},
    {"not_found", Fold::sum, [](const Look& look) { return number(look.status.not_found); }},
    {"expired", Fold::sum, [](const Look& look) { return number(look.status.expired); }},
    {"dead", Fold::sum, [](const Look& look) { return number(look.status.dead); }},
    {"fetches", Fold::sum, [](const Look& look) { return number(look.status.fetches); }},
    {"fetch_failures", Fold::sum,
     [](const Look& look) { return number(look.status.fetch_failures); }},
    {"deleted", Fold::sum, [](const Look& look) { return number(look.status.deleted); }},
    {"refused", Fold::sum, [](const Look& look) { return number(look.ingress.refused); }},
    {"malformed", Fold::sum, [](const Look& look) { return number(look.ingress.malformed); }},
    {"processor_seconds", Fold::sum,
     [](const Look& look) { return look.process.processor_seconds; }},

    {"pending", Fold::largest, [](const Look& look) { return number(look.status.pending); }},
    {"in_queue_only", Fold::largest,
     [](const Look& look) { return number(look.status.ids_in_queue_only); }},
    {"retries_waiting", Fold::largest,
     [](const Look& look) { return number(look.status.retries_waiting); }},
    {"in_flight", Fold::largest,
     [](const Look& look) { return number(look.status.fetches_in_flight); }},
    {"fetch_limit", Fold::last, [](const Look& look) { return number(look.status.fetch_limit); }},
    {"known_ids", Fold::last, [](const Look& look) { return number(look.status.known_ids); }},
    {"online", Fold::last, [](const Look& look) { return counted(look, &StoreCounts::online); }},
    {"offline", Fold::last, [](const Look& look) { return counted(look, &StoreCounts::offline); }},
    {"dead_letters", Fold::largest,
     [](const Look& look) { return counted(look, &StoreCounts::dead_letters); }},
    {"oldest_pending", Fold::largest, oldest_pending_seconds},
    {"lag", Fold::largest,
     [](const Look& look) { return watermark_lag_seconds(look.shown, look.status); }},
    {"connections", Fold::largest,
     [](const Look& look) {
       return look.shown.ingress ? number(look.ingress.connections) : unknown;
     }},
    {"queue_bytes", Fold::largest,
     [](const Look& look) {
       return look.space ? number(look.space->held) : number(look.status.queue_statistics.bytes);
     }},
    {"queue_limit", Fold::last, [](const Look& look) { return room(look, &Space::limit); }},
    {"disk_free", Fold::smallest, [](const Look& look) { return room(look, &Space::disk_free); }},
    {"disk_size", Fold::last, [](const Look& look) { return room(look, &Space::disk_size); }},
    {"memory_bytes", Fold::largest,
     [](const Look& look) { return number(look.process.resident_bytes); }},

    {"waiting_fetch", Fold::largest,
     [](const Look& look) { return waited(look, look.status.oldest_waiting.fetch); }},
    {"waiting_backoff", Fold::largest,
     [](const Look& look) { return waited(look, look.status.oldest_waiting.backoff); }},
    {"waiting_store", Fold::largest,
     [](const Look& look) { return waited(look, look.status.oldest_waiting.store); }},
    {"waiting_touch", Fold::largest,
     [](const Look& look) { return waited(look, look.status.oldest_waiting.touch); }},

    {"state_ingress", Fold::largest, [](const Look& look) { return state_of(look, "ingress"); }},
    {"state_queue", Fold::largest, [](const Look& look) { return state_of(look, "queue"); }},
    {"state_broker", Fold::largest, [](const Look& look) { return state_of(look, "broker"); }},
    {"state_source", Fold::largest, [](const Look& look) { return state_of(look, "source"); }},
    {"state_store", Fold::largest, [](const Look& look) { return state_of(look, "store"); }},
    {"state_expiry", Fold::largest, [](const Look& look) { return state_of(look, "expiry"); }},
};

// However a fetch ended: a source that is slow to refuse is slow.
postoffice::Histogram all_fetches(const Look& look) {
  const auto& by = look.status.fetch_durations;
  postoffice::Histogram sum;
  for (const auto* part :
       {&by.answered, &by.not_found, &by.timeout, &by.unreachable, &by.refused}) {
    sum += *part;
  }
  return sum;
}

constexpr HistogramFigure histogram_table[] = {
    {"ingress", [](const Look& look) { return look.ingress.durations; }},
    {"flush",
     [](const Look& look) {
       return look.shown.journal ? look.shown.journal->flush_durations() : postoffice::Histogram{};
     }},
    {"fetch", all_fetches},
    {"transaction", [](const Look& look) { return look.status.store_transactions; }},
    {"receipt_to_row", [](const Look& look) { return look.status.receipt_to_row; }},
};

static_assert(std::size(table) <= Sample::figures_max);
static_assert(std::size(histogram_table) <= Sample::histograms_max);

}  // namespace

std::span<const Figure> figures() { return table; }

std::span<const HistogramFigure> histogram_figures() { return histogram_table; }

std::vector<Fold> folds_of_figures() {
  std::vector<Fold> folds;
  for (const auto& figure : table) folds.push_back(figure.fold);
  return folds;
}

}  // namespace postofficed
