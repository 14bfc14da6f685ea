#include "commands/letter_access.hpp"

#include <algorithm>
#include <utility>

#include "support/admin_files.hpp"

namespace postofficed {
namespace {

/// Of the command line; a value in the environment or a file is the daemon's own setting, and does
/// not say that it runs.
bool names_daemon(const ParsedOptions& parsed) {
  return std::any_of(parsed.shown.begin(), parsed.shown.end(), [](const ShownOption& option) {
    return option.name == "admin-listen" && option.origin == "--admin-listen";
  });
}

Result<std::string> token_for(const Options& options) {
  if (!options.admin_token_file.empty()) return read_token(options.admin_token_file);
  auto token = find_token(options.data_dir);
  if (token) return token;
  return misconfigured(token.error().message +
                       "; if the daemon was given --admin-token-file, give it here, too");
}

}  // namespace

Result<std::unique_ptr<LetterAccess>> open_letters(const ParsedOptions& parsed,
                                                   const postoffice::Log& log) {
  const auto& options = parsed.options;
  std::optional<std::string> address;
  if (names_daemon(parsed)) {
    address = options.admin_listen;
  } else {
    auto found = find_daemon(options.data_dir);
    if (!found) return std::move(found).error();
    address = *std::move(found);
  }
  if (!address) return local_letters(options, log);
  auto token = token_for(options);
  // Many lists need none.
  if (!token && options.command != Command::dead_letters_list) return std::move(token).error();
  return remote_letters(*std::move(address), token ? *std::move(token) : std::string());
}

}  // namespace postofficed
