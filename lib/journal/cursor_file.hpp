// The file that says how far the queue has been acknowledged.
#pragma once

#include <memory>
#include <optional>

#include "journal/file_system.hpp"
#include "journal/format.hpp"
#include "postoffice/result.hpp"

namespace postoffice::journal {

/// Nothing if the file is missing. Errors: Error::corrupt for a damaged file, Error::schema for
/// another version, or why it cannot be read. Without a cursor everything is read again.
Result<std::optional<Cursor>> load_cursor(const Storage& storage);

/// Two slots for a cursor in one preallocated file, written alternately: the older cursor is
/// overwritten, the newer one stays until its successor is durable. Needs no space, so a full disk
/// can be trimmed.
class CursorFile {
 public:
  explicit CursorFile(const Storage& storage) : storage_(storage) {}

  /// After this returns without error the cursor is on stable storage.
  std::error_code store(const Cursor& cursor);

  /// The file was removed: the next cursor goes to a new one.
  void make_anew();

 private:
  std::error_code open();
  std::error_code create(const Cursor& cursor);

  const Storage storage_;
  std::unique_ptr<File> file_;  // none after a failure: a file is never synced again after one
  std::size_t next_ = 0;        // where the older one is
  bool distrusted_ = false;     // a write or sync of the file there is has failed
};

}  // namespace postoffice::journal
