// The files that a database is made of, as the system sees them.
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

  /// Those that are there now are the right ones.
  void remember();
  void forget() { known_ = {}; }

  enum class Gone { nothing, database, beside };
  /// Whether somebody has removed or replaced one.
  Gone gone() const;
  /// The name of the first of them; empty: all are there.
  std::string first_gone() const;
  /// The log of writes at its path is another one, and somebody has written to it.
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

/// Who owns what this process may not write, and what helps; empty if it may write everything.
std::string whose_are_in_the_way(const std::string& path);

/// A reader of another user can leave files beside the database that are his. They are made ours,
/// with what is in them, if nobody has the database open and the directory lets us. Says what was
/// done; empty: nothing. No handle of this process may be open.
std::string take_over_leftovers(const std::string& path);

}  // namespace postoffice::sqlite
