#include "journal/quarantine.hpp"

#include <algorithm>

namespace postoffice::journal {
namespace {

constexpr char directory_name[] = "quarantine";

}  // namespace

std::error_code Quarantine::make_directory() {
  return storage_.file_system.create_directory(storage_.path(directory_name));
}

void Quarantine::copy(const std::string& name, std::uint64_t begin, std::uint64_t end) {
  const auto size = std::min({end - begin, piece_max, left_});
  const auto from = storage_.open(name, FileSystem::Mode::read);
  if (!from || end <= begin || size == 0 || make_directory()) return;
  std::vector<std::byte> bytes(size);
  std::error_code ignored;
  bytes.resize(read_all(**from, bytes, begin, ignored));
  const auto copy_name = std::string(directory_name) + "/" + name + "." + std::to_string(begin);
  (void)storage_.remove(copy_name);
  const auto to = storage_.open(copy_name, FileSystem::Mode::create);
  if (!to || write_all(**to, bytes, 0)) return;
  (void)(*to)->sync_data();
  left_ -= size;
}

std::error_code Quarantine::move(const std::string& name) {
  if (const auto error = make_directory()) return error;
  if (const auto error = storage_.rename(name, std::string(directory_name) + "/" + name)) {
    return error;
  }
  return storage_.sync();
}

}  // namespace postoffice::journal
