#include "support/machine.hpp"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "postoffice/version.hpp"
#include "support/mount.hpp"

namespace postofficed {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown";
}

std::uint64_t memory_bytes() {
  struct sysinfo information {};
  if (::sysinfo(&information) != 0) return 0;
  return static_cast<std::uint64_t>(information.totalram) * information.mem_unit;
}

}  // namespace

void write_machine(Json& json, const std::string& directory) {
  utsname system{};
  ::uname(&system);
  const auto now =
      std::chrono::time_point_cast<postoffice::Duration>(std::chrono::system_clock::now());
  std::error_code error;
  const auto mount = find_mount(directory);
  json.member("version", postoffice::version())
      .member("compiler", __VERSION__)
      .member("date", now)
      .key("machine")
      .begin_object()
      .member("host", system.nodename)
      .member("kernel", std::string(system.sysname) + " " + system.release)
      .member("architecture", system.machine)
      .member("processors", std::thread::hardware_concurrency())
      .member("processor", processor_name())
      .member("memory_bytes", memory_bytes())
      .end_object()
      .key("disk")
      .begin_object()
      .member("directory", std::filesystem::canonical(directory, error).string())
      .member("file_system", mount.type)
      .member("device", mount.device)
      .member("mounted_at", mount.place)
      .end_object();
}

}  // namespace postofficed
