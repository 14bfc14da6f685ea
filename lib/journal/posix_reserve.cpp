// Whether a file's blocks belong to it alone, and stay in place when they are written.
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "journal/posix_parts.hpp"

namespace postoffice::journal {
namespace {

constexpr std::uint32_t bcachefs_magic = 0xCA451A4E;
constexpr std::uint32_t zfs_magic = 0x2FC12FC1;
constexpr std::uint32_t nilfs_magic = 0x3434;

std::uint32_t type_of(int file) {
  struct statfs status {};
  return ::fstatfs(file, &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

bool overwrites_in_place(int file) {
  int flags = 0;
  return ::ioctl(file, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) != 0;
}

constexpr std::size_t extents_at_once = 64;

/// The request to the kernel, with room for its answer behind it.
class Extents {
 public:
  Extents(std::uint64_t from, std::uint64_t end) {
    head().fm_start = from;
    head().fm_length = end - from;
    head().fm_extent_count = extents_at_once;
  }

  fiemap& head() { return *reinterpret_cast<fiemap*>(room_.data()); }
  std::span<const fiemap_extent> found() { return {head().fm_extents, head().fm_mapped_extents}; }

 private:
  alignas(fiemap)
      std::array<std::byte, sizeof(fiemap) + extents_at_once * sizeof(fiemap_extent)> room_{};
};

/// What is known of the file's blocks behind a place.
struct Blocks {
  bool own = true;        ///< all of them are there, and nobody else's, too
  bool unwritten = true;  ///< all of them are allocated only
};

constexpr std::uint32_t not_a_place_of_its_own =
    FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DELALLOC |
    FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL | FIEMAP_EXTENT_UNKNOWN;

/// Nothing if the file system does not say.
std::optional<Blocks> look_at_blocks(int file, std::uint64_t from) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return {};
  const auto end = static_cast<std::uint64_t>(status.st_size);
  Blocks blocks;
  while (from < end && blocks.own) {
    Extents extents(from, end);
    if (::ioctl(file, FS_IOC_FIEMAP, &extents.head()) != 0) return {};
    if (extents.found().empty()) blocks.own = false;
    for (const auto& extent : extents.found()) {
      if (extent.fe_logical > from || (extent.fe_flags & not_a_place_of_its_own) != 0) {
        blocks.own = false;
      }
      if ((extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) == 0) blocks.unwritten = false;
      from = std::max<std::uint64_t>(from, extent.fe_logical + extent.fe_length);
    }
  }
  return blocks;
}

}  // namespace

void ask_for_overwriting(int file) {
  int flags = 0;
  if (type_of(file) != BTRFS_SUPER_MAGIC || ::ioctl(file, FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_NOCOW_FL;
  (void)::ioctl(file, FS_IOC_SETFLAGS, &flags);
}

/// Files on an overlay are on another file system, whose kind cannot be determined.
Reserve posix_reserve(int file, std::uint64_t from) {
  switch (const auto type = type_of(file)) {
    case TMPFS_MAGIC: return Reserve::kept;
    case OVERLAYFS_SUPER_MAGIC: return Reserve::unknown;
    case bcachefs_magic:
    case zfs_magic:
    case nilfs_magic: return Reserve::none;
    default: {
      const auto blocks = look_at_blocks(file, from);
      if (!blocks) return Reserve::unknown;
      if (!blocks->own) return Reserve::none;
      if (type != BTRFS_SUPER_MAGIC || overwrites_in_place(file)) return Reserve::kept;
      return blocks->unwritten ? Reserve::first_write : Reserve::none;
    }
  }
}

}  // namespace postoffice::journal
