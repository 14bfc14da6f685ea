// /objects and /objects/<id>: what is stored.
#include <string_view>
#include <utility>

#include "admin/pages.hpp"
#include "admin/parameters.hpp"
#include "exit_code.hpp"
#include "options/values.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

constexpr std::size_t limit_max = 1'000;

void write(Json& json, const postoffice::Object& object) {
  json.begin_object()
      .id("id", object.id)
      .member("online", object.online)
      .member("last_seen", object.last_seen)
      .member("fetched_at", object.fetched_at)
      .id_text("id_text", object.id)
      .end_object();
}

Result<postoffice::ObjectQuery> read_query(const std::string& text) {
  const auto parameters = Parameters::read(text, {"online", "after", "limit"});
  if (!parameters) return parameters.error();
  postoffice::ObjectQuery query;
  if (const auto value = parameters->get("online")) {
    if (*value != "true" && *value != "false")
      return bad_parameter("online", *value, "must be true or false");
    query.online = *value == "true";
  }
  if (const auto value = parameters->get("after")) {
    query.after = parse_id(*value);
    if (!query.after) return bad_parameter("after", *value, "is not an id");
  }
  if (auto failure = read_limit(*parameters, limit_max, query.limit)) return failure;
  return query;
}

postoffice::HttpResponse list(std::vector<postoffice::Object> objects, std::size_t limit) {
  const auto next = cut_page(objects, limit);
  Json json;
  json.begin_object().key("objects").begin_array();
  for (const auto& object : objects) write(json, object);
  json.end_array();
  write_next(json, next);
  json.end_object();
  return {200, "application/json", json.text() + "\n", {}};
}

}  // namespace

void show_objects(const Shown& shown, const Request& request, const Respond& respond) {
  auto query = read_query(request.query);
  if (!query) return respond(problem_response(400, query.error().message));
  const auto limit = query->limit;
  ++query->limit;  // one more than shown tells whether there is a next page
  shown.store.find(*std::move(query), [respond, limit](std::error_code error, auto objects) {
    respond(error ? store_problem(error) : list(std::move(objects), limit));
  });
}

void show_object(const Shown& shown, const Request& request, const Respond& respond) {
  const auto text = request.path.substr(std::string_view("/objects/").size());
  const auto id = parse_id(text);
  if (!id) return respond(problem_response(400, "\"" + text + "\" is not an id"));
  postoffice::ObjectQuery query;
  query.id = id;
  query.limit = 1;
  shown.store.find(std::move(query), [respond, text](std::error_code error, auto objects) {
    if (error) return respond(store_problem(error));
    if (objects.empty()) return respond(problem_response(404, "there is no object " + text));
    Json json;
    write(json, objects.front());
    respond({200, "application/json", json.text() + "\n", {}});
  });
}

}  // namespace postofficed
