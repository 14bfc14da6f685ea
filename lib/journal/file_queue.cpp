#include "postoffice/defaults/file_queue.hpp"

#include <utility>

#include "journal/journal_queue.hpp"

namespace postoffice {

Result<std::unique_ptr<FileQueue>> FileQueue::open(FileQueueOptions options, Clock& clock,
                                                   Log log) {
  auto opened = journal::JournalQueue::open(journal::posix_file_system(), std::move(options), clock,
                                            log_in_background(std::move(log)));
  if (!opened) return std::move(opened).error();
  return *std::move(opened);
}

}  // namespace postoffice
