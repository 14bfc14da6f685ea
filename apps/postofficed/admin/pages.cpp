#include "admin/pages.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/json.hpp"

namespace postofficed {
namespace {

struct Page {
  std::string_view path;  ///< one that ends in '/' takes every path below it; "/" only itself
  void (*show)(const Shown&, const Request&, const Respond&);
  enum class Kind {
    read,
    probe,   ///< read, but load balancers may use OPTIONS, and check only the status
    change,  ///< POST only
  };
  Kind kind = Kind::read;
};

constexpr Page pages[] = {
    {"/", show_index},
    {"/livez", show_live, Page::Kind::probe},
    {"/readyz", show_ready, Page::Kind::probe},
    {"/healthz", show_health, Page::Kind::probe},
    {"/version", show_version},
    {"/status", show_status},
    {"/metrics", show_metrics},
    {"/history", show_history},
    {"/instances", show_instances},
    {"/objects", show_objects},
    {"/objects/", show_object},
    {"/receipts/", show_receipt},
    {"/dead-letters", show_dead_letters},
    {"/dead-letters/replay", replay_dead_letters, Page::Kind::change},
    {"/dead-letters/drop", drop_dead_letters, Page::Kind::change},
};

const Page* find_page(const std::string& path) {
  for (const auto& page : pages) {
    const bool below = page.path.size() > 1 && page.path.back() == '/' &&
                       path.size() > page.path.size() && path.rfind(page.path, 0) == 0;
    if (path == page.path ? page.path.size() == 1 || page.path.back() != '/' : below) return &page;
  }
  return nullptr;
}

postoffice::HttpResponse with_methods(const Page& page, postoffice::HttpResponse response) {
  const bool changes = page.kind == Page::Kind::change;
  response.headers.emplace_back("Allow", changes ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
  return response;
}

// What this page says to the method by itself; nothing: the page is shown.
std::optional<postoffice::HttpResponse> answer_to_method(const Page& page, const Request& request) {
  const auto& method = request.method;
  if (page.kind == Page::Kind::probe && method == "OPTIONS") return std::nullopt;
  if (method == "OPTIONS") return with_methods(page, {204, {}, {}, {}});
  if (page.kind == Page::Kind::change) {
    if (method == "POST") return std::nullopt;
    return with_methods(page, problem_response(405, request.path + " takes POST only"));
  }
  if (method == "GET" || method == "HEAD") return std::nullopt;
  return with_methods(page, problem_response(405, request.path + " is read-only"));
}

// What browsers must not do with any page: run what a reason text says, show it in a frame, tell
// others where it is, keep it. The live page allows itself more in its own policy.
postoffice::HttpResponse guarded(postoffice::HttpResponse response) {
  const auto has = [&](std::string_view name) {
    return std::any_of(response.headers.begin(), response.headers.end(),
                       [&](const auto& field) { return field.first == name; });
  };
  constexpr const char* policy = "Content-Security-Policy";
  if (!has(policy)) {
    response.headers.emplace_back(policy, "default-src 'none'; frame-ancestors 'none'");
  }
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

const char* title_of(int status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 421: return "Misdirected Request";
    case 503: return "Service Unavailable";
  }
  return "Error";
}

}  // namespace

postoffice::HttpServer::Handler make_pages(const Shown& shown) {
  return [shown](const Request& request, const Respond& send) {
    const Respond respond = [send](postoffice::HttpResponse response) {
      send(guarded(std::move(response)));
    };
    // "*" means the server as a whole.
    const Page* page = find_page(request.path == "*" ? "/" : request.path);
    const bool changes = page && page->kind == Page::Kind::change && request.method == "POST";
    if (shown.access) {
      if (auto refused = shown.access->refuse(request, changes)) return respond(*refused);
    }
    if (!page) return respond(problem_response(404, "there is no page " + request.path));
    if (auto answer = answer_to_method(*page, request)) return respond(*std::move(answer));
    page->show(shown, request, respond);
  };
}

postoffice::HttpResponse problem_response(int status, const std::string& detail) {
  Json json;
  json.begin_object()
      .member("title", title_of(status))
      .member("status", status)
      .member("detail", detail)
      .end_object();
  postoffice::HttpResponse response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = json.text() + "\n";
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

postoffice::HttpResponse store_problem(const std::error_code& error) {
  return problem_response(503, "the store does not answer: " + error.message());
}

void write_next(Json& json, std::optional<postoffice::ObjectId> next) {
  if (next) {
    json.id("next", *next).id_text("next_text", *next);
  } else {
    json.key("next").null().key("next_text").null();
  }
}

std::string shown_option(const Shown& shown, std::string_view name) {
  for (const auto& option : shown.options.get()) {
    if (option.name == name) return option.value;
  }
  return {};
}

bool store_is_up(const Shown& shown, const postoffice::PipelineStatus& status) {
  return status.store_up && (!shown.store_status || shown.store_status().up);
}

double age_seconds(const Shown& shown, const postoffice::PipelineStatus& status) {
  if (status.now == postoffice::Timestamp{}) return uptime_seconds(shown);  // never moved
  const std::chrono::duration<double> age = shown.clock.now() - status.now;
  return std::max(0.0, age.count());
}

double watermark_lag_seconds(const Shown& shown, const postoffice::PipelineStatus& status) {
  const std::chrono::duration<double> lag = status.now - status.watermark;
  const double age = age_seconds(shown, status);
  return std::max(0.0, lag.count()) + (age > age_seconds_max ? age : 0);
}

double uptime_seconds(const Shown& shown) {
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - shown.started;
  return time.count();
}

}  // namespace postofficed
