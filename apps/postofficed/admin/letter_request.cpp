#include "admin/letter_request.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "admin/parameters.hpp"
#include "options/values.hpp"
#include "support/json.hpp"
#include "support/json_value.hpp"

namespace postofficed {
namespace {

using postoffice::ObjectId;

constexpr std::size_t shown_limit = 100;
constexpr std::size_t shown_limit_max = 1'000;
constexpr double seconds_max = 10.0 * 366 * 24 * 3'600;  // as durations have it

constexpr const char* members = "ids, reason, since_seconds, after, limit, all, dry_run";

Failure wrong(const std::string& text) { return {ExitCode::usage, text}; }

/// The store would look for other text than was asked for.
Failure check_text(const std::string& text) {
  if (text.find('\0') == std::string::npos && mend_utf8(text) == text) return {};
  return wrong("reason: this is not text in UTF-8");
}

Result<std::vector<ObjectId>> read_ids(const std::string& list) {
  std::vector<ObjectId> ids;
  for (std::size_t begin = 0; begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    const auto id = parse_id(list.substr(begin, end - begin));
    if (!id) return bad_parameter("id", list, "is not an id, or several with commas between them");
    ids.push_back(*id);
    begin = end + 1;
  }
  return ids;
}

/// An id as a number or, for those that a double does not hold, as text.
std::optional<ObjectId> id_of(const JsonValue& value) {
  return value.is_string() ? parse_id(value.text()) : value.integer();
}

Failure read_member(const std::string& name, const JsonValue& value, LetterRequest& request) {
  if (name == "ids") {
    if (!value.is_array()) return wrong("ids: must be an array");
    request.ids.emplace();
    for (const auto& item : value.items()) {
      const auto id = id_of(item);
      if (!id) return wrong("ids: must hold ids, as numbers or as text");
      request.ids->push_back(*id);
    }
  } else if (name == "reason") {
    if (!value.is_string()) return wrong("reason: must be text");
    request.reason = value.text();
    return check_text(request.reason);
  } else if (name == "since_seconds") {
    const auto seconds = value.number();
    if (!seconds || !(*seconds > 0) || *seconds > seconds_max)
      return wrong("since_seconds: must be a number of seconds, greater than 0");
    request.within = std::chrono::milliseconds(std::llround(std::ceil(*seconds * 1'000)));
  } else if (name == "after") {
    request.after = id_of(value);
    if (!request.after && !value.is_null()) return wrong("after: must be an id or null");
  } else if (name == "limit") {
    const auto limit = value.integer().value_or(0);
    if (limit < 1 || limit > static_cast<std::int64_t>(letters_in_request_max))
      return wrong("limit: must be from 1 to " + std::to_string(letters_in_request_max));
    request.limit = static_cast<std::size_t>(limit);
  } else if (name == "all" || name == "dry_run") {
    if (!value.flag()) return wrong(name + ": must be true or false");
    (name == "all" ? request.all : request.dry_run) = *value.flag();
  } else {
    return wrong("there is no member \"" + name + "\"; there are " + members);
  }
  return {};
}

}  // namespace

postoffice::DeadLetterQuery LetterRequest::query(postoffice::Timestamp now) const {
  postoffice::DeadLetterQuery query;
  query.ids = ids;
  query.reason = reason;
  if (within) query.failed_since = now - *within;
  query.after = after;
  query.limit = limit;
  return query;
}

Result<LetterRequest> read_letter_query(const std::string& query) {
  const auto parameters = Parameters::read(query, {"reason", "since", "id", "after", "limit"});
  if (!parameters) return parameters.error();
  LetterRequest request;
  request.limit = shown_limit;
  request.reason = parameters->get("reason").value_or("");
  if (auto failure = check_text(request.reason)) return failure;
  if (const auto value = parameters->get("since")) {
    request.within = parse_duration(*value);
    if (!request.within)
      return bad_parameter("since", *value, "is not a duration (500ms, 30s, 5m, 1h)");
  }
  if (const auto value = parameters->get("id")) {
    auto ids = read_ids(*value);
    if (!ids) return std::move(ids).error();
    request.ids = *std::move(ids);
  }
  if (const auto value = parameters->get("after")) {
    request.after = parse_id(*value);
    if (!request.after) return bad_parameter("after", *value, "is not an id");
  }
  if (auto failure = read_limit(*parameters, shown_limit_max, request.limit)) return failure;
  return request;
}

Result<LetterRequest> read_letter_body(const std::string& body) {
  const auto json = JsonValue::parse(body);
  if (!json || !json->is_object()) return wrong("the body is not a JSON object");
  LetterRequest request;
  request.limit = letters_in_request_max;
  for (const auto& [name, value] : json->members()) {
    if (auto failure = read_member(name, value, request)) return failure;
  }
  if (request.ids && request.ids->size() > letters_in_request_max)
    return wrong("ids: at most " + std::to_string(letters_in_request_max) + " in one request");
  const bool filtered = request.ids || !request.reason.empty() || request.within;
  if (filtered && request.all) return wrong("give filters (ids, reason, since_seconds) or \"all\"");
  if (!filtered && !request.all)
    return wrong("give filters (ids, reason, since_seconds), or \"all\":true");
  return request;
}

std::string write_letter_body(const LetterRequest& request) {
  Json json;
  json.begin_object();
  if (request.ids) {
    json.key("ids").begin_array();
    for (const auto id : *request.ids) json.value(id);
    json.end_array();
  }
  if (!request.reason.empty()) json.member("reason", request.reason);
  if (request.within) {
    json.member("since_seconds", std::chrono::duration<double>(*request.within).count());
  }
  if (request.after) json.member("after", *request.after);
  if (request.limit != 0) json.member("limit", request.limit);
  json.member("all", request.all).member("dry_run", request.dry_run).end_object();
  return json.text();
}

}  // namespace postofficed
