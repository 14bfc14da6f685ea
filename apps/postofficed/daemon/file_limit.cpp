#include "daemon/file_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace postofficed {
namespace {

// Descriptors that the daemon itself has open, with a margin: files of the queue and the store,
// connections to a database, loops and their timers, listening sockets.
constexpr std::size_t own_files = 40;
constexpr std::size_t own_files_per_thread = 6;
constexpr std::size_t shared_least = 8;

constexpr std::size_t callbacks_most = 10'000;
constexpr std::size_t admin_most = 1'000;

}  // namespace

void raise_file_limit(std::size_t needed, const postoffice::Log& log) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= needed) return;
  log(postoffice::LogLevel::warning,
      "only " + std::to_string(limit.rlim_cur) + " files may be open (ulimit -n), " +
          std::to_string(needed) + " may be needed: raise the limit or lower --fetch-concurrency");
}

std::size_t file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

FileShares share_files(std::size_t limit, std::size_t fetch_concurrency,
                       std::size_t ingress_threads) {
  const auto own = own_files + own_files_per_thread * ingress_threads;
  const auto shared = std::max(limit, own + shared_least) - own;
  FileShares shares;
  shares.fetches = std::min(fetch_concurrency, shared / 2);
  shares.admin = std::clamp(shared / 8, std::size_t{1}, admin_most);
  shares.callbacks = std::min(callbacks_most, shared - shares.fetches - shares.admin);
  shares.fetches = shared - shares.callbacks - shares.admin;
  return shares;
}

}  // namespace postofficed
