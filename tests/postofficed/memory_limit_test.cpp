// How much memory the daemon plans with.
#include "daemon/memory_limit.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "support/temporary_directory.hpp"

using namespace postofficed;

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("the memory is the machine's, or what control groups leave of it") {
  const postoffice::testing::TemporaryDirectory root;
  const std::filesystem::path at = root.path();
  write(at / "proc/meminfo", "MemTotal:        1024 kB\nMemFree: 5 kB\n");
  CHECK(memory_limit(root.path()) == 1024 << 10);

  SUBCASE("version 2: the least of the group and those above it") {
    write(at / "proc/self/cgroup", "0::/system.slice/postofficed.service\n");
    write(at / "sys/fs/cgroup/system.slice/postofficed.service/memory.max", "max\n");
    CHECK(memory_limit(root.path()) == 1024 << 10);
    write(at / "sys/fs/cgroup/system.slice/memory.max", "600000\n");
    CHECK(memory_limit(root.path()) == 600'000);
    write(at / "sys/fs/cgroup/system.slice/postofficed.service/memory.max", "500000\n");
    CHECK(memory_limit(root.path()) == 500'000);
  }
  SUBCASE("version 1") {
    write(at / "proc/self/cgroup", "3:cpu,cpuacct:/a\n2:memory:/a/b\n1:name=systemd:/a\n0::/\n");
    write(at / "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write(at / "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "400000\n");
    CHECK(memory_limit(root.path()) == 400'000);
  }
  SUBCASE("in a container, whose group is what is mounted") {
    write(at / "proc/self/cgroup", "2:memory:/docker/0123456789ab\n");
    write(at / "sys/fs/cgroup/memory/memory.limit_in_bytes", "300000\n");
    CHECK(memory_limit(root.path()) == 300'000);
  }
}

TEST_CASE("with enough memory nothing is lowered, with little all fits into half of it") {
  const postoffice::PipelineOptions usual;
  const postoffice::FileQueueOptions usual_queue;
  for (const std::uint64_t mib : {64u, 128u, 512u, 2'048u, 65'536u}) {
    for (const std::size_t count : {1u, 8u, 64u}) {
      CAPTURE(mib);
      CAPTURE(count);
      auto pipeline = usual;
      auto queue = usual_queue;
      fit_memory(mib << 20, count, pipeline);
      fit_memory(mib << 20, queue);
      const auto used = count * (pipeline.pending_ids_max * 140 + pipeline.known_ids_max * 32 +
                                 pipeline.waiting_ids_max * 8) +
                        queue.memory_bytes_max + queue.buffer_bytes_max;
      CHECK(used <= (mib << 20) / 2);
      if (mib / count < 1'024) continue;
      CHECK(pipeline.pending_ids_max == usual.pending_ids_max);
      CHECK(pipeline.known_ids_max == usual.known_ids_max);
      CHECK(pipeline.waiting_ids_max == usual.waiting_ids_max);
      CHECK(queue.memory_bytes_max == usual_queue.memory_bytes_max);
    }
  }
}
