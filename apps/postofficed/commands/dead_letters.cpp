#include <cstdio>
#include <string>
#include <utility>

#include "commands/commands.hpp"
#include "commands/letter_access.hpp"
#include "support/json.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

constexpr std::size_t page_size = 1'000;
constexpr std::size_t ids_in_request = 500;  // their text fits into the line of a request

LetterRequest request_of(const Options& options) {
  LetterRequest request;
  request.reason = options.reason;
  request.within = options.since;
  request.all = options.all;
  request.dry_run = options.dry_run;
  return request;
}

// Calls `use` with requests for a part of the ids each, or with one request if none are given.
template <typename Use>
Failure in_parts(const Options& options, std::size_t part, const Use& use) {
  auto request = request_of(options);
  if (options.ids.empty()) return use(std::move(request));
  for (std::size_t begin = 0; begin < options.ids.size(); begin += part) {
    const auto first = options.ids.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto size = std::min(part, options.ids.size() - begin);
    request.ids.emplace(first, first + static_cast<std::ptrdiff_t>(size));
    if (auto failure = use(request)) return failure;
  }
  return {};
}

void print_json(const LetterText& letter) {
  Json json;
  json.begin_object()
      .member("id", letter.id)
      .member("id_text", std::to_string(letter.id))
      .member("received_at", letter.received_at)
      .member("failed_at", letter.failed_at)
      .member("attempts", letter.attempts)
      .member("reason", letter.reason)
      .end_object();
  std::printf("%s\n", json.text().c_str());
}

void print_row(const LetterText& letter) {
  std::printf("%20lld  %s  %s  %8lld  %s\n", static_cast<long long>(letter.id),
              letter.received_at.c_str(), letter.failed_at.c_str(),
              static_cast<long long>(letter.attempts), letter.reason.c_str());
}

class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}

  void print(const LetterText& letter) {
    if (json_) return print_json(letter);
    if (!std::exchange(begun_, true)) {
      std::printf("%20s  %-27s  %-27s  %8s  %s\n", "ID", "RECEIVED", "TRIED UNTIL", "ATTEMPTS",
                  "REASON");
    }
    print_row(letter);
  }

 private:
  const bool json_;
  bool begun_ = false;
};

Failure list(LetterAccess& letters, const Options& options) {
  Printer printer(options.json);
  return in_parts(options, ids_in_request, [&](LetterRequest request) -> Failure {
    request.limit = page_size;
    do {
      const auto page = letters.list(request);
      if (!page) return page.error();
      for (const auto& letter : page->letters) printer.print(letter);
      request.after = page->next;
    } while (request.after);
    return {};
  });
}

void print_done(LetterChange what, const LettersChanged& sum, const Options& options) {
  if (options.json) {
    Json json;
    json.begin_object()
        .member("matched", sum.matched)
        .member("done", sum.done)
        .member("dry_run", options.dry_run)
        .end_object();
    std::printf("%s\n", json.text().c_str());
    return;
  }
  std::printf("%s %s%s\n", counted(options.dry_run ? sum.matched : sum.done, "dead letter").c_str(),
              options.dry_run ? "would be " : "",
              what == LetterChange::replay ? "received again" : "dropped");
}

Failure change(LetterAccess& letters, LetterChange what, const Options& options) {
  LettersChanged sum;
  auto failure = in_parts(options, letters_in_request_max, [&](LetterRequest request) -> Failure {
    request.limit = letters_in_request_max;
    do {
      const auto changed = letters.change(what, request);
      if (!changed) return changed.error();
      sum.matched += changed->matched;
      sum.done += changed->done;
      request.after = changed->next;
    } while (request.after);
    return {};
  });
  if (!failure) {
    print_done(what, sum, options);
  } else if (sum.done > 0) {
    failure.message += "; " + counted(sum.done, "dead letter") + " before that: done";
  }
  return failure;
}

}  // namespace

Failure dead_letters(const ParsedOptions& parsed, const postoffice::Log& log) {
  const auto letters = open_letters(parsed, log);
  if (!letters) return letters.error();
  switch (parsed.options.command) {
    case Command::dead_letters_replay:
      return change(**letters, LetterChange::replay, parsed.options);
    case Command::dead_letters_drop: return change(**letters, LetterChange::drop, parsed.options);
    default: return list(**letters, parsed.options);
  }
}

}  // namespace postofficed
