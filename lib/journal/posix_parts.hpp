// Parts of the system's file system.
#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "journal/file_system.hpp"

namespace postoffice::journal {

std::unique_ptr<DirectoryLock> lock_posix_directory(const std::string& directory,
                                                    std::error_code& error);

/// Of a file that is new and empty: it shall be overwritten in place, where that has to be asked
/// for.
void ask_for_overwriting(int file);

Reserve posix_reserve(int file, std::uint64_t from);

/// Whoever opens `path` gets what `file` is. True also if that cannot be told.
bool is_same_file(int file, const std::string& path);

}  // namespace postoffice::journal
