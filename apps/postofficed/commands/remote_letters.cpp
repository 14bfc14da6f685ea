#include <cctype>
#include <chrono>
#include <cstdio>
#include <utility>

#include "commands/letter_access.hpp"
#include "options/values.hpp"
#include "support/http_exchange.hpp"
#include "support/json_value.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using postoffice::ObjectId;

constexpr auto patience = 30s;

std::string encoded(const std::string& text) {
  std::string result;
  for (const unsigned char c : text) {
    if (std::isalnum(c)) {
      result += static_cast<char>(c);
    } else {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", c);
      result += code;
    }
  }
  return result;
}

std::string query_of(const LetterRequest& request) {
  std::string query = "?limit=" + std::to_string(request.limit);
  if (!request.reason.empty()) query += "&reason=" + encoded(request.reason);
  if (request.within) query += "&since=" + std::to_string(request.within->count()) + "ms";
  if (request.after) query += "&after=" + std::to_string(*request.after);
  if (request.ids) {
    query += "&id=";
    for (const auto id : *request.ids) query += std::to_string(id) + ",";
    query.pop_back();
  }
  return query;
}

/// What the status means for whoever called the command.
ExitCode code_of(int status) {
  if (status == 400) return ExitCode::usage;
  const bool refused = status == 401 || status == 403 || status == 404 || status == 421;
  return refused ? ExitCode::configuration : ExitCode::unavailable;
}

std::optional<ObjectId> next_of(const JsonValue& json) {
  return parse_id(json["next_text"].text());
}

class RemoteLetters final : public LetterAccess {
 public:
  RemoteLetters(std::string address, std::string token)
      : address_(std::move(address)), token_(std::move(token)) {}

  Result<LetterPage> list(const LetterRequest& request) override {
    const auto answer = ask({"GET", "/dead-letters" + query_of(request), token_, {}});
    if (!answer) return answer.error();
    LetterPage page;
    for (const auto& letter : (*answer)["dead_letters"].items()) {
      page.letters.push_back({parse_id(letter["id_text"].text()).value_or(0),
                              letter["received_at"].text(), letter["failed_at"].text(),
                              letter["attempts"].integer().value_or(0), letter["reason"].text()});
    }
    page.next = next_of(*answer);
    return page;
  }

  Result<LettersChanged> change(LetterChange what, const LetterRequest& request) override {
    const std::string page = what == LetterChange::replay ? "replay" : "drop";
    const auto answer = ask({"POST", "/dead-letters/" + page, token_, write_letter_body(request)});
    if (!answer) return answer.error();
    LettersChanged changed;
    changed.matched = static_cast<std::size_t>((*answer)["matched"].integer().value_or(0));
    changed.done = static_cast<std::size_t>((*answer)["done"].integer().value_or(0));
    changed.next = next_of(*answer);
    return changed;
  }

 private:
  Result<JsonValue> ask(const HttpQuestion& question) const {
    const auto answer = exchange(address_, request_text(address_, question), patience);
    const auto json = JsonValue::parse(answer.body);
    if (answer.status == 200 && json) return *json;
    const std::string detail = json ? (*json)["detail"].text() : answer.problem + answer.body;
    const std::string status = answer.status ? std::to_string(answer.status) + " " : "";
    return Failure(code_of(answer.status),
                   "the daemon at " + address_ + " does not do it: " + status + detail);
  }

  const std::string address_;
  const std::string token_;
};

}  // namespace

std::unique_ptr<LetterAccess> remote_letters(std::string address, std::string token) {
  return std::make_unique<RemoteLetters>(std::move(address), std::move(token));
}

}  // namespace postofficed
