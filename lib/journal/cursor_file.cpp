#include "journal/cursor_file.hpp"

#include <array>
#include <cassert>
#include <tuple>

#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

constexpr char cursor_name[] = "cursor";
constexpr char next_cursor_name[] = "cursor.tmp";

constexpr std::size_t places = 2;

/// Each slot has a block of its own, so a torn write damages only one.
constexpr std::uint64_t offset_of(std::size_t place) { return place * block_size; }
constexpr std::uint64_t file_size = places * block_size;

bool is_newer(const Cursor& left, const Cursor& right) {
  const auto rank = [](const Cursor& cursor) {
    return std::tuple(cursor.epoch, cursor.acknowledged, cursor.last_durable, cursor.newest);
  };
  return rank(left) > rank(right);
}

struct Found {
  std::optional<Cursor> cursor;
  std::size_t place = 0;
  bool other_version = false;
};

std::error_code look(File& file, std::size_t place, Found& found) {
  std::array<std::byte, cursor_size> bytes{};
  std::error_code error;
  read_all(file, bytes, offset_of(place), error);
  if (error) return error;
  if (const auto cursor = decode_cursor(bytes)) {
    if (!found.cursor || is_newer(*cursor, *found.cursor)) {
      found.cursor = cursor;
      found.place = place;
    }
  } else if (is_other_version(bytes)) {
    found.other_version = true;
  }
  return {};
}

std::error_code look(File& file, Found& found) {
  for (std::size_t place = 0; place < places; ++place) {
    if (const auto error = look(file, place, found)) return error;
  }
  return {};
}

bool is_missing(const Result<std::unique_ptr<File>>& file) {
  return !file && file.error().code == std::errc::no_such_file_or_directory;
}

}  // namespace

Result<std::optional<Cursor>> load_cursor(const Storage& storage) {
  const auto file = storage.open(cursor_name, FileSystem::Mode::read);
  if (is_missing(file)) return std::nullopt;
  if (!file) return file.error();
  Found found;
  if (const auto error = look(**file, found)) return error;
  if (found.other_version) return Error::schema;
  if (!found.cursor) return Error::corrupt;
  return found.cursor;
}

std::error_code CursorFile::store(const Cursor& cursor) {
  if (!file_ && !distrusted_) {
    if (const auto error = open()) return error;
  }
  if (!file_) return create(cursor);
  assert(next_ < places);
  std::array<std::byte, cursor_size> bytes{};
  encode(cursor, bytes);
  auto error = write_all(*file_, bytes, offset_of(next_));
  if (!error) error = file_->sync_data();
  next_ = (next_ + 1) % places;
  if (error) make_anew();
  return error;
}

void CursorFile::make_anew() {
  file_.reset();
  distrusted_ = true;
}

/// The file of an earlier run, if it exists and is intact.
std::error_code CursorFile::open() {
  auto opened = storage_.open(cursor_name, FileSystem::Mode::write);
  if (is_missing(opened)) return {};
  if (!opened) return opened.error().code;
  auto& file = *opened;
  Found found;
  if (const auto error = look(*file, found)) return error;
  if (file->size() != file_size || !found.cursor) return {};
  // What a killed process wrote and did not sync can still be lost, and so can our write to the
  // other slot: a power cut might take both.
  if (file->sync_data()) {
    distrusted_ = true;
    return {};
  }
  next_ = (found.place + 1) % places;
  file_ = std::move(file);
  return {};
}

std::error_code CursorFile::create(const Cursor& cursor) {
  (void)storage_.remove(next_cursor_name);
  auto file = storage_.open(next_cursor_name, FileSystem::Mode::create);
  if (!file) return file.error().code;
  std::array<std::byte, file_size> bytes{};
  encode(cursor, std::span(bytes).first(cursor_size));
  if (const auto error = write_all(**file, bytes, 0)) return error;
  if (const auto error = (*file)->sync_data()) return error;
  if (const auto error = storage_.rename(next_cursor_name, cursor_name)) return error;
  if (const auto error = storage_.sync()) return error;
  file_ = *std::move(file);
  next_ = 1;
  distrusted_ = false;
  return {};
}

}  // namespace postoffice::journal
