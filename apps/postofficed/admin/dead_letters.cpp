// /dead-letters: the ids that were given up, to be listed, received again, or forgotten.
#include <algorithm>
#include <memory>
#include <utility>

#include "admin/letter_request.hpp"
#include "admin/pages.hpp"

namespace postofficed {
namespace {

using postoffice::DeadLetter;
using postoffice::ObjectId;

void write(Json& json, const DeadLetter& letter) {
  json.begin_object()
      .id("id", letter.id)
      .id_text("id_text", letter.id)
      .member("received_at", letter.received_at)
      .member("failed_at", letter.failed_at)
      .member("attempts", letter.attempts)
      .member("reason", letter.reason)
      .end_object();
}

postoffice::HttpResponse list(std::vector<DeadLetter> letters, std::size_t limit) {
  const auto next = cut_page(letters, limit);
  Json json;
  json.begin_object().key("dead_letters").begin_array();
  for (const auto& letter : letters) write(json, letter);
  json.end_array();
  write_next(json, next);
  json.end_object();
  return {200, "application/json", json.text() + "\n", {}};
}

postoffice::HttpResponse changed(std::size_t matched, std::size_t done, bool dry_run,
                                 std::optional<ObjectId> next) {
  Json json;
  json.begin_object().member("matched", matched).member("done", done).member("dry_run", dry_run);
  write_next(json, next);
  json.end_object();
  return {200, "application/json", json.text() + "\n", {}};
}

// Finds what the request is about, and does it unless it is a dry run.
void change(const Shown& shown, const Request& request, const Respond& respond,
            const ChangeLetters& act, const std::string& what) {
  const auto wanted = read_letter_body(request.body);
  if (!wanted) return respond(problem_response(400, wanted.error().message));
  auto query = wanted->query(shown.clock.now());
  ++query.limit;
  const auto limit = wanted->limit;
  const bool dry_run = wanted->dry_run;
  shown.store.find_dead_letters(
      std::move(query), [=](std::error_code error, std::vector<DeadLetter> letters) {
        if (error) return respond(store_problem(error));
        const auto next = cut_page(letters, limit);
        std::vector<ObjectId> ids;
        for (const auto& letter : letters) ids.push_back(letter.id);
        const auto matched = ids.size();
        if (dry_run || ids.empty()) return respond(changed(matched, 0, dry_run, next));
        act(std::move(ids), [=](std::error_code failed) {
          if (!failed) return respond(changed(matched, matched, false, next));
          respond(problem_response(
              503, what + ": " + failed.message() +
                       ". It may have happened all the same; asking again is harmless"));
        });
      });
}

}  // namespace

void show_dead_letters(const Shown& shown, const Request& request, const Respond& respond) {
  const auto wanted = read_letter_query(request.query);
  if (!wanted) return respond(problem_response(400, wanted.error().message));
  auto query = wanted->query(shown.clock.now());
  ++query.limit;
  shown.store.find_dead_letters(
      std::move(query), [respond, limit = wanted->limit](std::error_code error, auto letters) {
        respond(error ? store_problem(error) : list(std::move(letters), limit));
      });
}

void replay_dead_letters(const Shown& shown, const Request& request, const Respond& respond) {
  if (!shown.replay) {
    return respond(problem_response(
        409,
        "this process takes no callbacks, so it cannot receive any again: ask one that does "
        "(postofficed serve, or run)"));
  }
  change(shown, request, respond, shown.replay, "the queue does not take the ids");
}

void drop_dead_letters(const Shown& shown, const Request& request, const Respond& respond) {
  change(shown, request, respond, shown.drop, "the store does not answer");
}

}  // namespace postofficed
