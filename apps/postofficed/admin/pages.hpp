// The pages of the admin listener: one function per page, one file per group.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/http_server.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/object_store.hpp"
#include "postoffice/pipeline.hpp"

namespace postofficed {

/// What the pages show. All of it must outlive the server that shows them.
struct Shown {
  const postoffice::Pipeline& pipeline;
  const postoffice::FileQueue& queue;
  postoffice::ObjectStore& store;
  const postoffice::HttpIngress& ingress;
  const postoffice::HttpObjectSource& source;
  const postoffice::Clock& clock;
  const std::vector<ShownOption>& options;
  const postoffice::PostgresObjectStore* shared_store = nullptr;  ///< the same, if others share it
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

/// Finds the page for each request; 404 and 405 where there is none.
postoffice::HttpServer::Handler make_pages(const Shown& shown);

using Request = postoffice::HttpRequest;
using Respond = postoffice::HttpServer::Respond;

void show_index(const Shown&, const Request&, const Respond&);
void show_live(const Shown&, const Request&, const Respond&);
void show_ready(const Shown&, const Request&, const Respond&);
void show_health(const Shown&, const Request&, const Respond&);
void show_version(const Shown&, const Request&, const Respond&);
void show_status(const Shown&, const Request&, const Respond&);
void show_metrics(const Shown&, const Request&, const Respond&);
void show_objects(const Shown&, const Request&, const Respond&);
void show_object(const Shown&, const Request&, const Respond&);
void show_receipt(const Shown&, const Request&, const Respond&);

/// An application/problem+json answer (RFC 9457) for people.
postoffice::HttpResponse problem_response(int status, const std::string& detail);

/// How far writing lags behind receiving.
double watermark_lag_seconds(const postoffice::PipelineStatus& status);

double uptime_seconds(const Shown& shown);

}  // namespace postofficed
