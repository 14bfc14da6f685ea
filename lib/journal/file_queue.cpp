#include "postoffice/defaults/file_queue.hpp"

#include <utility>

#include "journal/journal_queue.hpp"

namespace postoffice {

/// The public class, on the system's files.
class FileQueue::Impl {
 public:
  explicit Impl(std::unique_ptr<journal::JournalQueue> journal) : queue(std::move(journal)) {}

  const std::unique_ptr<journal::JournalQueue> queue;
};

std::unique_ptr<FileQueue> FileQueue::open(FileQueueOptions options, Clock& clock,
                                           std::error_code& error, Log log) {
  auto queue = journal::JournalQueue::open(journal::posix_file_system(), std::move(options), clock,
                                           error, log_in_background(std::move(log)));
  if (!queue) return nullptr;
  return std::unique_ptr<FileQueue>(new FileQueue(std::make_unique<Impl>(std::move(queue))));
}

FileQueue::FileQueue(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// Stopped before any pointer is gone: completions may call in until the threads have ended.
FileQueue::~FileQueue() { impl_->queue->stop(); }

void FileQueue::append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                       AppendDone done) {
  impl_->queue->append(ids, carried_from, std::move(done));
}

void FileQueue::read(std::size_t ids_max, ReadDone done) {
  impl_->queue->read(ids_max, std::move(done));
}

void FileQueue::acknowledge(Sequence up_to) { impl_->queue->acknowledge(up_to); }

QueueStatus FileQueue::status() const { return impl_->queue->status(); }

const FileQueueRecovery& FileQueue::recovery() const noexcept { return impl_->queue->recovery(); }

std::uint64_t FileQueue::lost_records() const { return impl_->queue->lost_records(); }

std::string FileQueue::trouble() const { return impl_->queue->trouble(); }

std::uint64_t FileQueue::at_risk() const { return impl_->queue->at_risk(); }

FileQueue::Reserve FileQueue::reserve() const {
  const auto reserve = impl_->queue->reserve();
  if (!reserve) return Reserve::not_yet;
  switch (*reserve) {
    case journal::Reserve::kept: return Reserve::kept;
    case journal::Reserve::first_write: return Reserve::first_write;
    case journal::Reserve::none: return Reserve::none;
    case journal::Reserve::unknown: break;
  }
  return Reserve::unknown;
}

FileQueue::FlushStatus FileQueue::flushes() const { return impl_->queue->flushes(); }

}  // namespace postoffice
