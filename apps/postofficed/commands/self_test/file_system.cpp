#include "commands/self_test/checks.hpp"
#include "support/mount.hpp"

namespace postofficed::self_test {
namespace {

// The two files a daemon begins with, and as much again.
constexpr std::uint64_t space_wanted = 256 << 20;
constexpr std::uint64_t names_wanted = 100;

std::string in_units(std::uint64_t bytes) {
  const auto mebibytes = bytes >> 20;
  return mebibytes < 10'240 ? std::to_string(mebibytes) + " MiB"
                            : std::to_string(mebibytes >> 10) + " GiB";
}

std::string objection_to(const std::string& type, const Space& space) {
  if (space.counts_names && space.free_names < names_wanted) return "few inodes are left";
  if (space.counts_bytes && space.free_bytes < space_wanted)
    return "little space: less than " + in_units(space_wanted);
  return postofficed::objection_to(type);
}

}  // namespace

Finding check_file_system(const std::string& directory) {
  const auto space = find_space(directory);
  if (!space) {
    return {Finding::Result::failed, "cannot be examined: " + space.error().text()};
  }
  const auto mount = find_mount(directory);
  Finding finding;
  finding.text = mount.type + ", " +
                 (space->counts_bytes ? in_units(space->free_bytes) + " free" : "without a limit");
  if (space->counts_names)
    finding.text += ", " + std::to_string(space->free_names) + " inodes free";
  finding.figures = {{"type", mount.type}, {"device", mount.device}, {"mounted_at", mount.place}};
  if (space->counts_bytes) finding.figures.push_back({"free_bytes", space->free_bytes});
  if (space->counts_names) finding.figures.push_back({"free_inodes", space->free_names});
  const auto objection = objection_to(mount.type, *space);
  if (objection.empty()) return finding;
  finding.result = Finding::Result::warning;
  finding.text += ": " + objection;
  return finding;
}

}  // namespace postofficed::self_test
