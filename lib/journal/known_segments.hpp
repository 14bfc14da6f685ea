// Which segments there are, as the threads of a queue know it. No system calls, no locks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/journal_scan.hpp"
#include "journal/journal_writer.hpp"

namespace postoffice::journal {

inline bool same_number(const Segment& left, const Segment& right) {
  return left.header.number == right.header.number;
}

/// By rising number. The active one, to which the flusher writes, can only be the last.
class KnownSegments {
 public:
  KnownSegments(std::vector<Segment> found, std::uint64_t next_number)
      : all_(std::move(found)), next_number_(next_number) {}

  /// Takes over how far the writer is. True if its newest segment was not known.
  bool note(const JournalWriter& writer);

  const std::vector<Segment>& all() const { return all_; }
  std::uint64_t next_number() const { return next_number_; }

  /// 0 while there is none.
  std::uint64_t active_number() const { return active_number_; }
  /// Null while there is none, or it is not on this list.
  const Segment* active() const;
  const std::shared_ptr<File>& active_file() const { return active_file_; }
  bool is_active(const Segment& segment) const { return segment.header.number == active_number_; }

  bool contains(const Segment& segment) const;
  /// The first one with that number or a greater one; null if there is none.
  const Segment* first_from(std::uint64_t number) const;
  /// The sealed ones in which callbacks beyond `acknowledged` are.
  std::vector<Segment> sealed_beyond(Sequence acknowledged) const;
  /// The oldest, if nothing in it is needed any more once `acknowledged` is safe; null otherwise.
  const Segment* releasable(Sequence acknowledged) const;
  void remove_oldest();
  /// It was written to a file of another size.
  void set_size(const Segment& segment);

 private:
  std::vector<Segment> all_;
  std::uint64_t next_number_;
  std::uint64_t active_number_ = 0;
  std::shared_ptr<File> active_file_;
  std::uint64_t noted_number_ = 0;  // of the newest one that has been on the list
};

}  // namespace postoffice::journal
