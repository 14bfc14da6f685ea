#include "postoffice/defaults/file_queue.hpp"

#include <utility>

#include "journal/journal_queue.hpp"

namespace postoffice {

std::unique_ptr<FileQueue> FileQueue::open(FileQueueOptions options, Clock& clock,
                                           std::error_code& error, Log log) {
  return journal::JournalQueue::open(journal::posix_file_system(), std::move(options), clock, error,
                                     log_in_background(std::move(log)));
}

}  // namespace postoffice
