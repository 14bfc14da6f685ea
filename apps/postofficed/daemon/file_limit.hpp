// How many files and sockets this process may have open.
#pragma once

#include <cstddef>

#include "postoffice/log.hpp"

namespace postofficed {

/// Raises the soft limit to the hard limit, and warns if `needed` descriptors are more than that.
void raise_file_limit(std::size_t needed, const postoffice::Log& log);

/// How many files and sockets may be open now.
std::size_t file_limit();

/// Connections of each kind that are allowed at any time.
struct FileShares {
  std::size_t callbacks = 0;
  std::size_t admin = 0;
  std::size_t fetches = 0;
};

/// Shares `limit` so that no crowd of one kind takes what the others need, nor what the queue and
/// the store need: without it the queue could begin no file and be trimmed no more.
FileShares share_files(std::size_t limit, std::size_t fetch_concurrency,
                       std::size_t ingress_threads);

}  // namespace postofficed
