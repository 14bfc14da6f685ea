// How commands find the running daemon of a data directory: the files admin-address and
// admin-token in it.
#pragma once

#include <optional>
#include <string>

#include "exit_code.hpp"

namespace postofficed {

/// A token in a file, without the white space around it. Fails with ExitCode::configuration if it
/// cannot be read, is shorter than 16 bytes, or cannot be sent in a header field.
Result<std::string> read_token(const std::string& path);

/// One that nobody can guess.
std::string random_token();

/// Written by the daemon, removed when it stops. What a killed daemon leaves is harmless: as long
/// as a daemon lives, it holds a lock on admin-address.
class AdminFiles {
 public:
  AdminFiles() = default;
  ~AdminFiles();
  AdminFiles(const AdminFiles&) = delete;
  AdminFiles& operator=(const AdminFiles&) = delete;

  /// Takes the place of the directory's daemon. Fails if another process has it.
  Failure claim(const std::string& directory);

  /// After claim(). With an empty token the file admin-token goes: the token is elsewhere.
  Failure write(const std::string& address, const std::string& token);

 private:
  std::string directory_;
  int lock_ = -1;
};

/// The address of the admin listener of the daemon that runs on this directory; nothing if none
/// does. Fails with ExitCode::unavailable if one does and has not written its address yet.
Result<std::optional<std::string>> find_daemon(const std::string& directory);

/// The token that the daemon of this directory has written.
Result<std::string> find_token(const std::string& directory);

}  // namespace postofficed
