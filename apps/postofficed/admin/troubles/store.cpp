// A database that cannot be used (down, refusing, fenced), and instances that deletes wait for.
#include <chrono>
#include <string>
#include <utility>

#include "admin/troubles.hpp"
#include "daemon/neighbours.hpp"

namespace postofficed {
namespace {

std::string span_text(std::chrono::milliseconds span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  constexpr int minute = 60;
  constexpr int hour = 60 * minute;
  if (seconds < 2 * minute) return std::to_string(seconds) + " s";
  if (seconds < 2 * hour) return std::to_string(seconds / minute) + " min";
  return std::to_string(seconds / hour) + " h";
}

// "db:5432 cannot be used for 12 s: Connection refused"
std::string describe(const postoffice::StoreStatus& store) {
  const std::string who = store.server.empty() ? "the store" : store.server;
  const std::string since = span_text(store.down_for);
  const std::string what = store.reached ? who + " cannot be used for " + since
                                         : who + " was never reached, for " + since;
  return what + ": " + store.reason;
}

constexpr const char* about_refusal =
    "see what it says, and its own log: room on its disk, read-only mode, rights of the user; it "
    "is "
    "tried again by itself";

}  // namespace

void find_store_troubles(const Shown& shown, const postoffice::PipelineStatus& status,
                         Troubles& troubles) {
  const auto instance = shown.instance ? shown.instance() : std::nullopt;
  const bool fenced = instance && instance->fenced;
  const auto store = shown.store_status ? shown.store_status() : postoffice::StoreStatus{};
  const std::string meanwhile = "; callbacks are accepted and wait, rows are deleted later";
  if (!store.up) {
    troubles.push_back({"store", describe(store) + meanwhile,
                        "check that the store named by --store runs and admits this daemon"});
  } else if (!fenced && (!status.store_up || !store.reason.empty())) {
    const std::string why = store.reason.empty() ? "" : ": " + store.reason;
    troubles.push_back({"store", "does not accept changes" + why + meanwhile, about_refusal});
  }
  if (!instance) return;
  const std::string place = shown_option(shown, "store");
  if (fenced) {
    auto advice = shown.broker ? about_other_worker(*instance) : about_successor(*instance, place);
    troubles.push_back({"store", std::move(advice.what), std::move(advice.next)});
  }
  if (auto advice = about_silent(*instance, place)) {
    troubles.push_back(
        {"expiry", std::move(advice->what), std::move(advice->next), PartState::degraded});
  }
}

}  // namespace postofficed
