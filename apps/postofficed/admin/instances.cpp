// /instances: the daemons that share the database, for the live page and scripts.
#include "admin/pages.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

using postoffice::PostgresInstanceList;
using postoffice::PostgresInstanceRow;

// A beat is five times a second; whoever is silent for so long holds back deletes.
constexpr std::chrono::seconds silent_after{5};

double seconds(postoffice::Duration span) { return std::chrono::duration<double>(span).count(); }

const char* kind_of(const PostgresInstanceRow& row) {
  if (row.shard < 0) return "daemon";  // with a file queue of its own
  return row.publisher != 0 ? "publisher" : "shard";
}

const char* state_of(const PostgresInstanceRow& row, postoffice::Timestamp now) {
  if (row.stopped) return "stopped";
  return now - row.beat > silent_after ? "silent" : "alive";
}

// How far deletes wait for this one; of one that has stopped, the watermark goes on by itself.
void write_lag(Json& json, const PostgresInstanceRow& row, postoffice::Timestamp now) {
  json.key("watermark_lag_seconds");
  if (row.watermark == postoffice::Timestamp::min()) {
    json.null();
  } else {
    json.value(seconds(row.stopped ? *row.stopped - row.watermark : now - row.watermark));
  }
}

void write(Json& json, const PostgresInstanceRow& row, postoffice::Timestamp now) {
  json.begin_object()
      .member("id", row.id())
      .member("name", row.name)
      .member("kind", kind_of(row))
      .key("shard");
  row.shard < 0 ? json.null() : json.value(row.shard);
  json.member("state", state_of(row, now)).member("beat_age_seconds", seconds(now - row.beat));
  write_lag(json, row, now);
  json.end_object();
}

}  // namespace

void show_instances(const Shown& shown, const Request&, const Respond& respond) {
  if (!shown.instances) {
    return respond(problem_response(404, "this daemon's database belongs to it alone"));
  }
  shown.instances([respond](std::error_code error, const PostgresInstanceList& list) {
    if (error) {
      return respond(problem_response(503, "the database does not answer: " + error.message()));
    }
    Json json;
    json.begin_object().member("now", list.now).key("instances").begin_array();
    for (const auto& row : list.rows) write(json, row, list.now);
    json.end_array().end_object();
    respond({200, "application/json", json.text() + "\n", {}});
  });
}

}  // namespace postofficed
