// How many files and sockets this process may have open.
#pragma once

#include <cstddef>

#include "postoffice/log.hpp"

namespace postofficed {

/// Raises the soft limit to the hard limit, and warns if `needed` descriptors are more than that.
void raise_file_limit(std::size_t needed, const postoffice::Log& log);

/// How many files and sockets may be open now.
std::size_t file_limit();

/// How many connections of each kind are allowed at any time.
struct FileShares {
  std::size_t callbacks = 0;
  std::size_t admin = 0;
  std::size_t fetches = 0;  ///< what is left: a reload may allow more of them than the start
};

/// Divides `limit` so that no kind of connection uses up the descriptors of the others, or those of
/// the queue and the store. Without descriptors the queue could not begin a file, and could not
/// delete old ones.
FileShares share_files(std::size_t limit, std::size_t fetch_concurrency,
                       std::size_t ingress_threads);

}  // namespace postofficed
