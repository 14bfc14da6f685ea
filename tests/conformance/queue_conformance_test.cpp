// Checks every queue of the library against the contract of the seam.
#include "conformance/queue_conformance.hpp"

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice {
namespace {

template <testing::MemoryQueue::Durability durability>
struct MemoryHarness {
  Queue& queue() { return queue_; }
  testing::ManualClock& clock() { return clock_; }
  void settle() { queue_.flush(); }
  void restart() { queue_.restart(); }

 private:
  testing::ManualClock clock_;
  testing::MemoryQueue queue_{clock_, durability};
};

using AtOnce = MemoryHarness<testing::MemoryQueue::Durability::at_once>;
using OnFlush = MemoryHarness<testing::MemoryQueue::Durability::on_flush>;

class FileHarness {
 public:
  FileHarness() { open(); }
  Queue& queue() { return *queue_; }
  testing::ManualClock& clock() { return clock_; }
  void settle() {}
  void restart() {
    queue_.reset();
    open();
  }

 private:
  void open() {
    FileQueueOptions options;
    options.directory = directory_.path();
    options.segment_bytes = 64 << 10;
    queue_ = *FileQueue::open(options, clock_);
  }

  testing::TemporaryDirectory directory_;
  testing::ManualClock clock_;
  std::unique_ptr<FileQueue> queue_;
};

}  // namespace

POSTOFFICE_QUEUE_CONFORMANCE(AtOnce, OnFlush, FileHarness);

}  // namespace postoffice
