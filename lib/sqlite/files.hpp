// The files of a database, as the operating system sees them.
#pragma once

#include <sys/types.h>

#include <array>
#include <optional>
#include <string>

namespace postoffice::sqlite {

/// The database and the two files that SQLite keeps beside it while it is open, by their inodes.
class Files {
 public:
  explicit Files(std::string path);

  /// Takes the files that are there now as the right ones.
  void remember();
  void forget() { known_ = {}; }

  enum class Gone { nothing, database, beside };
  /// Which of them was removed or replaced.
  Gone gone() const;
  /// The name of the first of them; empty: all are there.
  std::string first_gone() const;
  /// The write-ahead log at its path is another file, and another program has written to it.
  bool others_wrote() const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  static std::optional<Identity> identity_of(const std::string& path);
  bool is_gone(std::size_t index) const;

  const std::string path_;
  std::array<std::optional<Identity>, 3> known_;
};

/// Who owns the files that this process may not write, and what to do; empty if it may write all.
std::string whose_are_in_the_way(const std::string& path);

/// A reader that runs as another user can leave files beside the database that the other user owns.
/// They are replaced by copies that this user owns, if no process has the database open and the
/// directory permits it. Returns what was done; empty: nothing. No handle of this process may be
/// open.
std::string take_over_leftovers(const std::string& path);

}  // namespace postoffice::sqlite
