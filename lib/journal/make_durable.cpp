#include "journal/make_durable.hpp"

#include <algorithm>
#include <vector>

namespace postoffice::journal {
namespace {

constexpr char copy_name[] = "copy.tmp";
constexpr std::uint64_t piece = 1 << 20;

std::error_code copy(File& from, File& to, std::uint64_t size) {
  std::vector<std::byte> bytes(std::min(size, piece));
  for (std::uint64_t at = 0; at < size; at += bytes.size()) {
    bytes.resize(std::min(size - at, piece));
    std::error_code error;
    const auto count = read_all(from, bytes, at, error);
    if (error) return error;
    if (count < bytes.size()) return std::make_error_code(std::errc::io_error);
    if ((error = write_all(to, bytes, at))) return error;
  }
  return to.sync_data();
}

std::error_code write_copy(const Storage& storage, File& from, const Segment& segment) {
  (void)storage.remove(copy_name);
  const auto to = storage.open(copy_name, FileSystem::Mode::create);
  return to ? copy(from, **to, segment.end) : to.error().code;
}

/// A copy takes the name.
std::error_code take_its_place(const Storage& storage, File& from, Segment& segment) {
  auto error = write_copy(storage, from, segment);
  if (!error) error = storage.rename(copy_name, segment.name);
  if (error)
    (void)storage.remove(copy_name);
  else
    segment.size = segment.end;
  return error;
}

bool sync(const Storage& storage, const Segment& segment) {
  const auto file = storage.open(segment.name, FileSystem::Mode::write);
  return file && !(*file)->sync_data();
}

}  // namespace

bool make_durable(const Storage& storage, Segment& segment) {
  const auto from = storage.open(segment.name, FileSystem::Mode::read);
  if (!from) return false;
  const auto error = take_its_place(storage, **from, segment);
  if (error == std::errc::no_space_on_device) return sync(storage, segment);
  return !error && !storage.sync();
}

std::error_code write_back(const Storage& storage, File& from, Segment& segment) {
  const auto error = take_its_place(storage, from, segment);
  return error ? error : storage.sync();
}

}  // namespace postoffice::journal
