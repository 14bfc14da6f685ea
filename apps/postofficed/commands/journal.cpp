#include <cinttypes>
#include <cstdio>

#include "commands/commands.hpp"
#include "postoffice/defaults/journal_inspect.hpp"
#include "support/json.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::JournalDamage;
using postoffice::JournalRecord;
using postoffice::JournalSummary;

void print_record(const JournalRecord& record) {
  Json json;
  json.begin_object()
      .member("sequence", record.sequence)
      .member("received_at", record.received_at)
      .member("acknowledged", record.acknowledged)
      .member("carried", record.carried)
      .member("file", record.file)
      .member("offset", record.offset)
      .key("ids")
      .begin_array();
  for (const auto id : record.ids) json.value(id);
  json.end_array().end_object();
  std::printf("%s\n", json.text().c_str());
}

std::string describe(const JournalDamage& damage) {
  std::string text = damage.file + ": bytes " + std::to_string(damage.begin) + " to " +
                     std::to_string(damage.end) + " are damaged";
  if (damage.last == 0) return text + ", no callback was lost";
  return text + ", callbacks " + std::to_string(damage.first) + " to " +
         std::to_string(damage.last) + " were lost";
}

void write_summary(Json& json, const std::string& directory, const JournalSummary& summary) {
  json.member("queue", "file:" + directory)
      .member("segments", summary.segments.size())
      .member("callbacks", summary.records)
      .member("ids", summary.ids)
      .member("callbacks_waiting", summary.records_waiting)
      .member("ids_waiting", summary.ids_waiting)
      .member("first", summary.first)
      .member("last", summary.last)
      .member("acknowledged", summary.acknowledged)
      .member("torn_bytes", summary.torn_bytes)
      .member("lost_callbacks", summary.lost_records)
      .member("sound", summary.sound());
  if (summary.records != 0) {
    json.member("oldest", summary.oldest).member("newest", summary.newest);
  }
}

void print_stat_json(const std::string& directory, const JournalSummary& summary) {
  Json json;
  json.begin_object();
  write_summary(json, directory, summary);
  json.key("files").begin_array();
  for (const auto& segment : summary.segments) {
    json.begin_object()
        .member("file", segment.file)
        .member("bytes", segment.bytes)
        .member("bytes_used", segment.bytes_used)
        .member("first", segment.first)
        .member("last", segment.last)
        .member("callbacks", segment.records)
        .end_object();
  }
  json.end_array().end_object();
  std::printf("%s\n", json.text().c_str());
}

void print_verify_json(const std::string& directory, const JournalSummary& summary) {
  Json json;
  json.begin_object();
  write_summary(json, directory, summary);
  json.key("damage").begin_array();
  for (const auto& damage : summary.damage) {
    json.begin_object()
        .member("file", damage.file)
        .member("begin", damage.begin)
        .member("end", damage.end);
    if (damage.last != 0) {
      json.member("first_lost", damage.first).member("last_lost", damage.last);
    }
    json.end_object();
  }
  json.end_array().key("unknown_files").begin_array();
  for (const auto& file : summary.unknown_files) json.value(file);
  json.end_array().end_object();
  std::printf("%s\n", json.text().c_str());
}

void print_stat_text(const std::string& directory, const JournalSummary& summary) {
  std::printf("queue file:%s: %s, %s\n", directory.c_str(),
              counted(summary.segments.size(), "file").c_str(),
              summary.sound() ? "sound" : "DAMAGED (see journal verify)");
  std::printf("waiting: %s with %s\n", counted(summary.records_waiting, "callback").c_str(),
              counted(summary.ids_waiting, "id").c_str());
  std::printf("held:    %s with %s, acknowledged up to %" PRIu64 "\n",
              counted(summary.records, "callback").c_str(), counted(summary.ids, "id").c_str(),
              summary.acknowledged);
  if (summary.records != 0) {
    std::printf("from:    %" PRIu64 ", received %s\nto:      %" PRIu64 ", received %s\n",
                summary.first, rfc3339(summary.oldest).c_str(), summary.last,
                rfc3339(summary.newest).c_str());
  }
  for (const auto& segment : summary.segments) {
    std::printf("%s: %" PRIu64 " of %s used, %s\n", segment.file.c_str(), segment.bytes_used,
                counted(segment.bytes, "byte").c_str(),
                counted(segment.records, "callback").c_str());
  }
}

Failure judge(const std::string& directory, const JournalSummary& summary) {
  if (summary.sound()) return {};
  return {ExitCode::journal, "queue file:" + directory + " is damaged: " +
                                 counted(summary.lost_records, "callback") + " lost"};
}

void print_verify_text(const std::string& directory, const JournalSummary& summary) {
  for (const auto& damage : summary.damage) std::printf("%s\n", describe(damage).c_str());
  for (const auto& file : summary.unknown_files) {
    std::printf("%s: this file does not belong to this queue\n", file.c_str());
  }
  if (!summary.sound()) return;
  std::printf("queue file:%s is sound: %s checked", directory.c_str(),
              counted(summary.records, "callback").c_str());
  if (summary.torn_bytes != 0) {
    // Of a write under way, or one that a crash ended: no sender was told that it was accepted.
    std::printf(", %s at the end not complete yet", counted(summary.torn_bytes, "byte").c_str());
  }
  std::printf("\n");
}

Failure show(const Options& options, const std::string& directory, const JournalSummary& summary) {
  const bool verify = options.command == Command::journal_verify;
  if (options.command == Command::journal_dump) return {};
  if (verify) {
    (options.json ? print_verify_json : print_verify_text)(directory, summary);
    return judge(directory, summary);
  }
  (options.json ? print_stat_json : print_stat_text)(directory, summary);
  return {};
}

postoffice::Result<JournalSummary> inspect(const std::string& directory, bool dumping) {
  if (dumping) return postoffice::inspect_journal(directory, print_record);
  Progress progress("reading the queue");
  return postoffice::inspect_journal(directory, {}, [&](double share) { progress.update(share); });
}

}  // namespace

Failure journal(const Options& options) {
  const auto& directory = options.queue.directory;
  if (directory.empty()) {
    return {ExitCode::configuration,
            "--queue " + describe(options.queue) + " has no files to inspect"};
  }
  const auto summary = inspect(directory, options.command == Command::journal_dump);
  if (!summary)
    return {ExitCode::journal, "queue file:" + directory + ": " + summary.error().text()};
  return show(options, directory, *summary);
}

}  // namespace postofficed
