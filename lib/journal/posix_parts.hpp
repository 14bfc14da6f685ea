// Parts of the system's file system.
#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "journal/file_system.hpp"

namespace postoffice::journal {

Result<std::unique_ptr<DirectoryLock>> lock_posix_directory(const std::string& directory);

/// Asks for a new and empty file to be overwritten in place, on file systems that must be asked.
void ask_for_overwriting(int file);

Reserve posix_reserve(int file, std::uint64_t from);

/// Whether opening `path` gives the file that `file` is. True also if that cannot be determined.
bool is_same_file(int file, const std::string& path);

}  // namespace postoffice::journal
