// A database that cannot be used: away, refused, fenced; others for whom deletes wait.
#include <utility>

#include "admin/troubles.hpp"
#include "daemon/neighbours.hpp"

namespace postofficed {

namespace {

// What the database itself last said; empty where there is nothing to say.
std::string words_of(const postoffice::ObjectStore& store) {
  const auto* database = dynamic_cast<const postoffice::PostgresObjectStore*>(&store);
  return database ? database->trouble() : std::string();
}

}  // namespace

void find_store_troubles(const Shown& shown, const postoffice::PipelineStatus& status,
                         Troubles& troubles) {
  const std::string words = words_of(shown.store);
  if (!status.store_up || !words.empty()) {
    troubles.push_back({"store",
                        "does not take changes; callbacks are accepted and wait" +
                            (words.empty() ? words : ": " + words),
                        {}});
  }
  const auto instance = shown.instance ? shown.instance() : std::nullopt;
  if (!instance) return;
  const std::string place = shown_option(shown, "store");
  if (instance->fenced) {
    auto advice = shown.broker ? about_other_worker(*instance) : about_successor(*instance, place);
    troubles.push_back({"store", std::move(advice.what), std::move(advice.next)});
  }
  if (auto advice = about_silent(*instance, place)) {
    troubles.push_back({"expiry", std::move(advice->what), std::move(advice->next)});
  }
}

}  // namespace postofficed
