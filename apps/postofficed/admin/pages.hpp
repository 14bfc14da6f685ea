// The pages of the admin listener: one function per page, one file per group.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "admin/access.hpp"
#include "admin/broker.hpp"
#include "admin/shown_options.hpp"
#include "admin/store_census.hpp"
#include "http/server/http_server.hpp"
#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/store_status.hpp"
#include "support/json.hpp"

namespace postofficed {

class HealthWatch;
class Recorder;

/// Changes of dead letters that pages ask for. `done` is called once, on any thread.
using ChangeDone = std::function<void(std::error_code)>;
using ChangeLetters = std::function<void(std::vector<postoffice::ObjectId>, ChangeDone)>;

/// What the pages show; a part that this process does not have is null or empty. All of it must
/// outlive the server of the pages.
struct Shown {
  postoffice::ObjectReader& store;
  const postoffice::Clock& clock;
  const ShownOptions& options;
  std::function<postoffice::PipelineStatus()> status;
  /// Why a callback sent now would not get a 202; empty: it would.
  std::function<std::string()> not_ready;
  /// … because of what keeps it; empty function: as not_ready.
  std::function<std::string()> queue_trouble{};
  std::function<bool()> stopping{};  ///< it has been told to stop
  std::function<void(const postoffice::Receipt&, postoffice::Pipeline::ProgressDone)> progress{};
  std::function<BrokerStatus()> broker{};
  postoffice::Log log{};
  const postoffice::FileQueue* journal = nullptr;
  const postoffice::HttpIngress* ingress = nullptr;
  const postoffice::HttpObjectSource* source = nullptr;
  std::function<postoffice::HttpServerStatus()> admin{};
  /// Rows and dead letters now, as counted last; nothing before.
  std::function<std::optional<StoreCounts>()> counts{};
  std::function<postoffice::StoreStatus()> store_status{};
  /// Its status among those that share the database; nothing while it has none.
  std::function<std::optional<postoffice::PostgresInstanceStatus>()> instance{};
  HealthWatch* health = nullptr;   ///< null: states have no past
  const Access* access = nullptr;  ///< null: everybody may ask for everything
  /// Receives the ids again, as sent now; durable when done. Null: this process takes no callbacks.
  ChangeLetters replay{};
  ChangeLetters drop{};  ///< removes the dead letters of the ids, which rise
  /// Lists the daemons that share the database; empty: it belongs to this one alone.
  std::function<void(postoffice::PostgresInstances::ListDone)> instances{};
  const Recorder* recorder = nullptr;  ///< read on the thread of the pages only
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

/// Finds the page for each request; answers 404 or 405 if there is none.
postoffice::HttpServer::Handler make_pages(const Shown& shown);

using Request = postoffice::HttpRequest;
using Respond = postoffice::HttpServer::Respond;

void show_history(const Shown&, const Request&, const Respond&);
void show_index(const Shown&, const Request&, const Respond&);
void show_instances(const Shown&, const Request&, const Respond&);
void show_live(const Shown&, const Request&, const Respond&);
void show_ready(const Shown&, const Request&, const Respond&);
void show_health(const Shown&, const Request&, const Respond&);
void show_version(const Shown&, const Request&, const Respond&);
void show_status(const Shown&, const Request&, const Respond&);
void show_metrics(const Shown&, const Request&, const Respond&);
void show_objects(const Shown&, const Request&, const Respond&);
void show_object(const Shown&, const Request&, const Respond&);
void show_receipt(const Shown&, const Request&, const Respond&);
void show_dead_letters(const Shown&, const Request&, const Respond&);
void replay_dead_letters(const Shown&, const Request&, const Respond&);
void drop_dead_letters(const Shown&, const Request&, const Respond&);

/// Whether the store answers, according to its own connection and the pipeline.
bool store_is_up(const Shown& shown, const postoffice::PipelineStatus& status);

/// An application/problem+json answer (RFC 9457) for people.
postoffice::HttpResponse problem_response(int status, const std::string& detail);

/// The answer while the store gives none.
postoffice::HttpResponse store_problem(const std::error_code& error);

/// Rows of a page. If there are more than `limit`, cuts them off and returns the id after which the
/// next page begins: whoever asks for one more than is shown learns whether there is one.
template <typename Row>
std::optional<postoffice::ObjectId> cut_page(std::vector<Row>& rows, std::size_t limit) {
  if (rows.size() <= limit) return std::nullopt;
  rows.resize(limit);
  return rows.back().id;
}

/// The members "next" and "next_text": the id after which the next page begins, or null.
void write_next(Json& json, std::optional<postoffice::ObjectId> next);

/// The value of an option as shown; empty if there is none of that name.
std::string shown_option(const Shown& shown, std::string_view name);

/// How old the figures of the pipeline are: less than a second while its thread runs.
double age_seconds(const Shown& shown, const postoffice::PipelineStatus& status);

/// Figures older than this are reported: something blocks the pipeline's thread.
constexpr double age_seconds_max = 3;

/// How far writing lags behind receiving; it grows while the pipeline is stuck, too.
double watermark_lag_seconds(const Shown& shown, const postoffice::PipelineStatus& status);

double uptime_seconds(const Shown& shown);

}  // namespace postofficed
