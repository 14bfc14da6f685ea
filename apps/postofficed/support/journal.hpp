// Log lines to systemd's journal, with their fields.
#pragma once

#include <string>
#include <string_view>

#include "postoffice/log.hpp"

namespace postofficed {

/// Whether systemd connected stderr to its journal (JOURNAL_STREAM).
bool stderr_is_journal();

/// Sends a line to the journal by its own protocol, with the fields PRIORITY, SYSLOG_IDENTIFIER
/// and, if the line is about one, POSTOFFICE_PART. May block. False: it was not taken, or
/// libsystemd is not built in.
bool send_to_journal(postoffice::LogLevel level, std::string_view line);

/// "<3>": how a line on stderr tells the journal its level.
std::string journal_prefix(postoffice::LogLevel level);

/// The part that a line is about, by its first word: "queue" of "queue: …"; empty if it names none.
std::string_view part_of(std::string_view line);

}  // namespace postofficed
