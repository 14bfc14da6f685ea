// The dead letters of a data directory, for commands: through the daemon that runs on it, or in the
// store and the queue themselves if none does.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/letter_request.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/log.hpp"
#include "postoffice/types.hpp"

namespace postofficed {

/// As it is shown.
struct LetterText {
  postoffice::ObjectId id = 0;
  std::string received_at;
  std::string failed_at;
  std::int64_t attempts = 0;
  std::string reason;
};

struct LetterPage {
  std::vector<LetterText> letters;
  std::optional<postoffice::ObjectId> next;  ///< where another request goes on, if there are more
};

struct LettersChanged {
  std::size_t matched = 0;
  std::size_t done = 0;
  std::optional<postoffice::ObjectId> next;
};

enum class LetterChange { replay, drop };

class LetterAccess {
 public:
  virtual ~LetterAccess() = default;

  virtual Result<LetterPage> list(const LetterRequest& request) = 0;
  virtual Result<LettersChanged> change(LetterChange what, const LetterRequest& request) = 0;
};

/// Never through a daemon of another data directory: without --admin-listen on the command line
/// only the one whose files are in this directory is asked.
Result<std::unique_ptr<LetterAccess>> open_letters(const ParsedOptions& parsed,
                                                   const postoffice::Log& log);

/// The two of them.
std::unique_ptr<LetterAccess> remote_letters(std::string address, std::string token);
Result<std::unique_ptr<LetterAccess>> local_letters(const Options& options,
                                                    const postoffice::Log& log);

}  // namespace postofficed
