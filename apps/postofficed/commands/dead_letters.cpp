#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "commands/commands.hpp"
#include "commands/replay.hpp"
#include "support/json.hpp"
#include "support/store_session.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::DeadLetter;
using postoffice::ObjectId;

constexpr std::size_t page_size = 1'000;

// Calls `use` for every dead letter, a page at a time.
template <typename Use>
Failure for_each(StoreSession& store, const Use& use) {
  std::optional<ObjectId> after;
  for (;;) {
    auto page = store.find_dead_letters({.after = after, .limit = page_size});
    if (!page) return std::move(page).error();
    for (const auto& letter : *page) use(letter);
    if (page->size() < page_size) return {};
    after = page->back().id;
  }
}

void print_json(const DeadLetter& letter) {
  Json json;
  json.begin_object()
      .member("id", letter.id)
      .member("received_at", letter.received_at)
      .member("failed_at", letter.failed_at)
      .member("attempts", letter.attempts)
      .member("reason", letter.reason)
      .end_object();
  std::printf("%s\n", json.text().c_str());
}

void print_row(const DeadLetter& letter) {
  std::printf("%20lld  %s  %s  %8d  %s\n", static_cast<long long>(letter.id),
              rfc3339(letter.received_at).c_str(), rfc3339(letter.failed_at).c_str(),
              letter.attempts, letter.reason.c_str());
}

Failure list(StoreSession& store, bool json) {
  std::uint64_t count = 0;
  return for_each(store, [&](const DeadLetter& letter) {
    if (json) return print_json(letter);
    if (count++ == 0) {
      std::printf("%20s  %-27s  %-27s  %8s  %s\n", "ID", "RECEIVED", "FAILED", "ATTEMPTS",
                  "REASON");
    }
    print_row(letter);
  });
}

// The ids that have a dead letter: all of them, or those of `wanted`.
Result<std::vector<ObjectId>> select(StoreSession& store, const Options& options) {
  std::vector<ObjectId> selected;
  auto wanted = options.ids;
  std::sort(wanted.begin(), wanted.end());
  auto failure = for_each(store, [&](const DeadLetter& letter) {
    const bool chosen = options.all || std::binary_search(wanted.begin(), wanted.end(), letter.id);
    if (chosen) selected.push_back(letter.id);
  });
  if (failure) return failure;
  return selected;
}

Failure drop(StoreSession& store, const std::vector<ObjectId>& ids) {
  for (std::size_t begin = 0; begin < ids.size(); begin += page_size) {
    const auto end = std::min(ids.size(), begin + page_size);
    postoffice::Changes changes;
    changes.cleared.assign(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                           ids.begin() + static_cast<std::ptrdiff_t>(end));
    if (auto failure = store.apply(changes)) return failure;
  }
  return {};
}

}  // namespace

Failure dead_letters(const Options& options, const postoffice::Log& log) {
  StoreSession store(options.store);
  if (auto failure = store.open()) return failure;
  if (options.command == Command::dead_letters_list) return list(store, options.json);

  auto ids = select(store, options);
  if (!ids) return std::move(ids).error();
  const bool replaying = options.command == Command::dead_letters_replay;
  if (auto failure = replaying ? replay(options, *ids, log) : drop(store, *ids)) return failure;
  std::printf("%s %s\n", counted(ids->size(), "dead letter").c_str(),
              replaying ? "received again" : "dropped");
  return {};
}

}  // namespace postofficed
