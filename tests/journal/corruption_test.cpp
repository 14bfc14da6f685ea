// A closed journal of 64 KiB, damaged in every small way: what was in it is delivered, or named as
// lost. Nothing goes silently, nothing is invented, and the queue opens.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

#include "journal/crash_script.hpp"
#include "journal/thinning.hpp"

namespace postoffice::journal {
namespace {

/// The bits to flip and the garbage; the same in every run.
constexpr std::uint64_t seed = 20260131;

struct Totals {
  const char* name = "";
  std::uint64_t mutations = 0;
  std::uint64_t tried = 0;
  std::uint64_t with_loss = 0;
  std::uint64_t named = 0;
  std::uint64_t torn = 0;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();

  ~Totals() {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    const auto shown = [](std::uint64_t number) -> unsigned long long { return number; };
    std::printf(
        "%s: %llu mutations, %llu of them tried, %llu with losses, %llu records named lost, %llu "
        "torn tails, "
        "0 lost silently, %.1f s\n",
        name, shown(mutations), shown(tried), shown(with_loss), shown(named), shown(torn),
        took.count());
  }
};

/// What one journal holds, and what may be said of it once it is damaged.
class Journal {
 public:
  explicit Journal(bool closed) {
    Script script;
    script.start();
    for (int batch = 1; batch <= (closed ? 12 : 3); ++batch) {
      script.append(1 + batch % 4, 20 + batch * 15 % 90);
      script.flush();
    }
    if (closed) script.acknowledge(27);
    if (closed)
      script.stop();
    else
      script.kill();
    image_ = script.disk().image();
    oracle_.attempted = script.attempted();
    for (const auto& told : script.told()) oracle_.hear(told);
    std::erase_if(image_.files,
                  [](const auto& file) { return file.first.ends_with("spare.ready"); });
    for (const auto& [path, content] : image_.files) {
      if (path.ends_with(".journal")) segments_.push_back(path);
    }
  }

  const Image& image() const { return image_; }
  const std::vector<std::string>& segments() const { return segments_; }
  const Oracle& oracle() const { return oracle_; }
  std::vector<std::byte> bytes(const std::string& path) const { return *image_.files.at(path); }

  /// The same with other bytes in one file.
  Image with(const std::string& path, std::vector<std::byte> bytes) const {
    Image image = image_;
    image.files[path] = std::make_shared<std::vector<std::byte>>(std::move(bytes));
    return image;
  }

  /// Opens it, and checks that nothing is missing without a word. `unproven`: so many at the end
  /// may look as if their flush never ended.
  void check(const Image& image, Totals& totals, std::size_t unproven = 0) const {
    if (totals.mutations++ % every() != 0) return;
    ++totals.tried;
    std::string log;
    SimulatedDisk disk(image);
    const auto found = open(disk, log);
    account_for(found, unproven);
    if (found.recovery.lost_records > 0) ++totals.with_loss;
    if (found.recovery.torn_bytes > 0) ++totals.torn;
    totals.named += found.recovery.lost_records;
    if (totals.tried % 16 != 1) return;
    for (const auto& [first, last] : found.recovery.lost) {
      const auto range = "[" + std::to_string(first) + ".." + std::to_string(last) + "]";
      REQUIRE(log.find("lost callbacks " + range) != std::string::npos);
    }
    REQUIRE(open(disk, log).callbacks == found.callbacks);
    check_strict(image, found.recovery.lost_records > 0);
  }

 private:
  struct Opened {
    FileQueueRecovery recovery;
    std::vector<Callback> callbacks;
  };

  static Opened open(SimulatedDisk& disk, std::string& log) {
    testing::ManualClock clock(Timestamp{});
    QueueRun run(disk, small_options(), clock,
                 [&](LogLevel, std::string_view message) { (log += message) += '\n'; });
    REQUIRE_FALSE(run.error());
    Opened opened{run.queue().recovery(), run.read_all()};
    REQUIRE(run.queue().lost_records() == opened.recovery.lost_records);  // nothing counted twice
    return opened;
  }

  void account_for(const Opened& found, std::size_t unproven) const {
    auto owed = oracle_.promised;
    std::erase_if(owed, [&](const auto& one) { return one.first <= oracle_.acknowledged; });
    Sequence before = 0;
    for (const auto& callback : found.callbacks) {
      REQUIRE(callback.sequence > before);
      before = callback.sequence;
      const auto promise = oracle_.promised.find(callback.sequence);
      REQUIRE(promise != oracle_.promised.end());
      REQUIRE(promise->second == callback);
      owed.erase(callback.sequence);
    }
    std::uint64_t named = 0;
    for (const auto& [first, last] : found.recovery.lost) {
      named += last - first + 1;
      REQUIRE((oracle_.promised.contains(first) && oracle_.promised.contains(last)));
      for (const auto& callback : found.callbacks) {
        REQUIRE((callback.sequence < first || callback.sequence > last));
      }
      owed.erase(owed.lower_bound(first), owed.upper_bound(last));
    }
    REQUIRE(named == found.recovery.lost_records);
    REQUIRE(owed.size() <= unproven);
    if (owed.empty()) return;
    REQUIRE(found.recovery.torn_bytes > 0);
    REQUIRE(owed.begin()->first > oracle_.promised.size() - unproven);
  }

  static void check_strict(const Image& image, bool refused) {
    auto options = small_options();
    options.strict = true;
    SimulatedDisk disk(image);
    testing::ManualClock clock(Timestamp{});
    const QueueRun run(disk, options, clock);
    if (refused) REQUIRE(run.error() == Error::corrupt);
    if (!refused && run.error()) REQUIRE(run.error() == Error::corrupt);  // a stranger's file
  }

  Image image_;
  Oracle oracle_;
  std::vector<std::string> segments_;
};

const Journal& closed_journal() {
  static const Journal journal(true);
  REQUIRE(journal.segments().size() == 4);
  return journal;
}

constexpr std::size_t sector = sector_size;
constexpr char cursor[] = "data/queue/cursor";

std::string segment_path(std::uint64_t number) {
  return std::string(queue_directory) + "/" + segment_name(number);
}

}  // namespace

TEST_CASE("the undamaged journal gives back all, and strict takes it") {
  Totals totals{.name = "undamaged"};
  for (int i = 0; i < 16; ++i) closed_journal().check(closed_journal().image(), totals);
  CHECK(totals.with_loss == 0);
  CHECK(closed_journal().oracle().acknowledged > 0);
}

TEST_CASE("any byte flipped") {
  const auto& journal = closed_journal();
  Totals totals{.name = "a bit of any byte flipped"};
  std::mt19937_64 random(seed);
  for (const auto& [path, content] : journal.image().files) {
    for (std::size_t at = 0; at < content->size(); ++at) {
      auto bytes = *content;
      bytes[at] ^= std::byte(1u << random() % 8);
      CAPTURE(path);
      CAPTURE(at);
      journal.check(journal.with(path, std::move(bytes)), totals);
    }
  }
  CHECK(totals.mutations >= 65'536);
  CHECK(totals.with_loss > 0);
}

TEST_CASE("any file cut off at any length") {
  const auto& journal = closed_journal();
  Totals totals{.name = "a file cut off at any length"};
  for (const auto& [path, content] : journal.image().files) {
    for (std::size_t size = 0; size < content->size(); ++size) {
      CAPTURE(path);
      CAPTURE(size);
      auto bytes = *content;
      bytes.resize(size);
      journal.check(journal.with(path, std::move(bytes)), totals);
    }
  }
  CHECK(totals.with_loss > 0);
}

TEST_CASE("sectors zeroed, overwritten, swapped, doubled") {
  const auto& journal = closed_journal();
  Totals totals{.name = "sectors zeroed, overwritten, swapped, doubled"};
  std::mt19937_64 random(seed);
  for (const auto& path : journal.segments()) {
    const auto content = journal.bytes(path);
    const auto place = [](auto& bytes, std::size_t at) {
      return bytes.begin() + static_cast<std::ptrdiff_t>(at);
    };
    for (std::size_t at = 0; at < content.size(); at += sector) {
      CAPTURE(path);
      CAPTURE(at);
      auto bytes = content;
      std::fill_n(place(bytes, at), sector, std::byte{});
      journal.check(journal.with(path, bytes), totals);
      for (int i = 0; i < 4; ++i) {
        std::generate_n(place(bytes, at), sector, [&] { return std::byte(random() & 0xff); });
        journal.check(journal.with(path, bytes), totals);
      }
      for (std::size_t other = 0; other < content.size(); other += sector) {
        if (other == at) continue;
        CAPTURE(other);
        bytes = content;
        std::copy_n(place(content, other), sector, place(bytes, at));
        journal.check(journal.with(path, bytes), totals);
        if (other < at) continue;
        std::copy_n(place(content, at), sector, place(bytes, other));
        journal.check(journal.with(path, bytes), totals);
      }
    }
  }
}

TEST_CASE("segments removed, swapped, doubled, of zeros, of another queue") {
  const auto& journal = closed_journal();
  Totals totals{.name = "segments removed, swapped, doubled, strange"};
  const auto& segments = journal.segments();
  // Whatever is done to one of them is done to every set of them.
  for (std::size_t set = 1; set < 1u << segments.size(); ++set) {
    CAPTURE(set);
    Image without = journal.image(), zeros = journal.image(), empty = journal.image();
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if ((set >> i & 1) == 0) continue;
      without.files.erase(segments[i]);
      zeros.files[segments[i]] = std::make_shared<std::vector<std::byte>>(small_segment);
      empty.files[segments[i]] = std::make_shared<std::vector<std::byte>>();
    }
    for (const auto& image : {without, zeros, empty}) journal.check(image, totals);
  }
  for (const auto& one : segments) {
    for (const auto& other : segments) {
      if (one == other) continue;
      journal.check(journal.with(one, journal.bytes(other)), totals);
      Image swapped = journal.with(one, journal.bytes(other));
      swapped.files[other] = journal.image().files.at(one);
      journal.check(swapped, totals);
    }
    journal.check(journal.with(segment_path(9), journal.bytes(one)), totals);
  }
  CHECK(totals.with_loss > 0);
}

TEST_CASE("files of another queue, instead of ours or beside them") {
  const auto& journal = closed_journal();
  Totals totals{.name = "files of another queue"};
  SimulatedDisk disk(Image{{"."}, {}});
  disk.set_random_number(4711);
  testing::ManualClock clock;
  {
    QueueRun other(disk, small_options(), clock);
    // More than we have: its last ones could follow ours.
    for (ObjectId id = 0; id < 60; ++id) {
      const std::vector<ObjectId> ids{-id};
      other.queue().append(ids, {}, [](std::error_code error, Receipt) { REQUIRE_FALSE(error); });
    }
    other.stop_cleanly();
  }
  const auto foreign = disk.image();
  const auto stranger = foreign.files.at(segment_path(1));
  for (const auto number : {1u, 2u, 3u, 4u, 5u, 900u}) {
    CAPTURE(number);
    journal.check(journal.with(segment_path(number), *stranger), totals);
  }
  // A cursor of another queue must not make ours the strangers.
  journal.check(journal.with(cursor, *foreign.files.at(cursor)), totals);
}

TEST_CASE("absurd lengths and counts, with checksums that are right") {
  const auto& journal = closed_journal();
  Totals totals{.name = "absurd lengths and counts"};
  for (const auto& path : journal.segments()) {
    const auto content = journal.bytes(path);
    const auto header = decode_segment_header(Bytes(content).first(block_size));
    REQUIRE(header);
    for (std::size_t at = block_size; at < content.size(); at += record_alignment) {
      const auto here = std::span(content).subspan(at);
      if (here.size() < batch_header_size) continue;
      CAPTURE(path);
      CAPTURE(at);
      auto bytes = content;
      const auto out = std::span(bytes).subspan(at);
      if (auto batch = decode_batch_header(here, header->seed)) {
        for (const auto size : {0u, 7u, 4097u, 0x7fffffffu, 0xffffffffu}) {
          auto absurd = *batch;
          absurd.bytes = size;
          encode(absurd, header->seed, out);
          journal.check(journal.with(path, bytes), totals);
        }
      } else if (auto record = decode_record_header(here, header->seed)) {
        for (const auto size : {0u, 1u, 4097u, 0x7fffffu, 0xffffffu}) {
          auto absurd = *record;
          absurd.payload_size = size;
          encode(absurd, header->seed, out);
          journal.check(journal.with(path, bytes), totals);
        }
      }
    }
  }
  CHECK(totals.mutations > 100);
}

TEST_CASE("a killed journal: damage to the last flush looks torn, to earlier ones corrupt") {
  const Journal journal(false);
  REQUIRE(journal.segments().size() == 1);
  const std::size_t last_batch = 1 + 3 % 4;
  Totals totals{.name = "a killed journal, any byte flipped and any length"};
  std::mt19937_64 random(seed);
  const auto& path = journal.segments().front();
  const auto content = journal.bytes(path);
  for (std::size_t at = 0; at < content.size(); ++at) {
    CAPTURE(at);
    auto bytes = content;
    bytes[at] ^= std::byte(1u << random() % 8);
    journal.check(journal.with(path, std::move(bytes)), totals, last_batch);
  }
  CHECK(totals.torn > 0);
  CHECK(totals.with_loss > 0);
}

TEST_CASE("damage that comes after the start is named and counted when it is met") {
  for (const bool own : {true, false}) {
    CAPTURE(own);
    auto options = small_options();
    options.memory_bytes_max = 1;  // everything is read from the files
    SimulatedDisk disk(Image{{"."}, {}});
    testing::ManualClock clock;
    std::string log;
    const Log keep = [&](LogLevel, std::string_view message) { (log += message) += '\n'; };
    auto run = std::make_unique<QueueRun>(disk, options, clock, keep);
    std::size_t accepted = 0;
    const auto append = [&] {
      const std::vector<ObjectId> ids{static_cast<ObjectId>(accepted)};
      run->queue().append(ids, {}, [&](std::error_code error, Receipt) { accepted += !error; });
      run->work(Worker::flusher);
    };
    append();
    disk.fail_sync(1);
    append();  // its sequence, 2, is burned: missing, but not lost
    run->pass(std::chrono::seconds(10));
    run->work(Worker::flusher);
    for (int i = 0; i < 6; ++i) append();
    REQUIRE(accepted == 7);
    if (!own) {
      run.reset();
      run = std::make_unique<QueueRun>(disk, options, clock, keep);
      REQUIRE(run->queue().recovery().callbacks == 7);
    }
    CHECK(run->queue().lost_records() == 0);
    constexpr auto payload = batch_header_size + record_header_size;
    const auto third = segment_path(2);  // sequences 3, 4, 5, a block each, then 6, 7, 8
    disk.content(third)[2 * block_size + payload] ^= std::byte{0x10};
    disk.content(segment_path(3))[3 * block_size + payload] ^= std::byte{0x10};
    const auto& found = run->read_all();
    CHECK(found.size() == 5);
    CHECK(log.find("lost callbacks [4..4]") != std::string::npos);
    CHECK(log.find("lost callbacks [8..8]") != std::string::npos);
    CHECK(run->queue().lost_records() == 2);
    run->queue().acknowledge(found.back().sequence);
    CHECK(run->queue().progress().frontier == clock.now());
    append();
    CHECK(run->read_all().back().sequence == 9);
    CHECK(run->queue().lost_records() == 2);
  }
}

}  // namespace postoffice::journal
