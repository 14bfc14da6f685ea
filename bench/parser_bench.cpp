// Reading the body of a callback: our parser beside RapidJSON in place (and simdjson where it is
// installed), each of which collects the same ids. Argument: the number of ids.
//
// "allocations" counts calls of operator new in a body's reading, once everything is warm.
#include <benchmark/benchmark.h>
#include <rapidjson/reader.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http/server/callback_json.hpp"
#include "support/allocation_count.hpp"

#ifdef POSTOFFICE_BENCH_SIMDJSON
#include <simdjson.h>
#endif

namespace {

using postoffice::ObjectId;

constexpr std::size_t ids_max = 10'000;
constexpr std::size_t bodies_in_turn = 64;  ///< so that no branch predictor knows them by heart

/// Bodies as senders make them: ids of one to eight digits, most of them long.
std::vector<std::string> bodies(std::int64_t ids) {
  std::mt19937_64 random(7);
  std::vector<std::string> made(bodies_in_turn);
  for (auto& body : made) {
    body = "{\"object_ids\":[";
    for (std::int64_t i = 0; i < ids; ++i) {
      if (i != 0) body += ',';
      body += std::to_string(random() % 10'000'000);
    }
    body += "]}";
  }
  return made;
}

/// `read` takes a body and returns how many ids it found.
template <typename Read>
void run(benchmark::State& state, const std::vector<std::string>& texts, Read read) {
  for (const auto& text : texts) read(text);
  const auto allocations = postoffice::testing::allocation_count();
  for (const auto& text : texts) read(text);
  state.counters["allocations"] =
      static_cast<double>(postoffice::testing::allocation_count() - allocations) /
      static_cast<double>(texts.size());
  std::size_t turn = 0;
  std::int64_t bytes = 0;
  for (auto unused : state) {
    (void)unused;
    const std::string& text = texts[turn++ % texts.size()];
    if (read(text) != static_cast<std::size_t>(state.range(0))) std::abort();
    bytes += static_cast<std::int64_t>(text.size());
  }
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(state.iterations());
}

void ours(benchmark::State& state) {
  postoffice::http::CallbackParser parser(ids_max);
  run(state, bodies(state.range(0)), [&](const std::string& text) {
    if (parser.parse(text) != postoffice::http::CallbackVerdict::good) std::abort();
    benchmark::DoNotOptimize(parser.ids().data());
    return parser.ids().size();
  });
}
BENCHMARK(ours)->Arg(10)->Arg(100)->Arg(200)->Arg(1'000);

class Collect : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Collect> {
 public:
  explicit Collect(std::vector<ObjectId>& ids) : at_(ids.data()) {}
  bool Default() { return false; }
  bool Int(int id) { return Int64(id); }
  bool Uint(unsigned id) { return Int64(id); }
  bool Uint64(std::uint64_t) { return false; }
  bool Int64(std::int64_t id) {
    *at_++ = id;
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    return std::string_view(text, size) == "object_ids";
  }
  bool StartObject() { return true; }
  bool EndObject(rapidjson::SizeType) { return true; }
  bool StartArray() { return true; }
  bool EndArray(rapidjson::SizeType) { return true; }
  std::size_t count(const std::vector<ObjectId>& ids) const {
    return static_cast<std::size_t>(at_ - ids.data());
  }

 private:
  ObjectId* at_;
};

/// The fastest way to use it: in place, the reader used again, no encoding checked. It ends the key
/// with a zero, which is mended behind it: a copy of the body would cost more.
void rapidjson_in_situ(benchmark::State& state) {
  std::vector<ObjectId> ids(ids_max);
  rapidjson::Reader reader;
  run(state, bodies(state.range(0)), [&](const std::string& text) {
    char* const body = const_cast<char*>(text.c_str());
    rapidjson::InsituStringStream stream(body);
    Collect collect(ids);
    if (reader.Parse<rapidjson::kParseInsituFlag>(stream, collect).IsError()) std::abort();
    body[std::string_view("{\"object_ids").size()] = '"';
    benchmark::DoNotOptimize(ids.data());
    return collect.count(ids);
  });
}
BENCHMARK(rapidjson_in_situ)->Arg(10)->Arg(100)->Arg(200)->Arg(1'000);

/// Our own second reader, which decides about everything unusual.
void any_json(benchmark::State& state) {
  postoffice::http::CallbackParser parser(ids_max);
  run(state, bodies(state.range(0)), [&](const std::string& text) {
    parser.read_any_json(text);
    benchmark::DoNotOptimize(parser.ids().data());
    return parser.ids().size();
  });
}
BENCHMARK(any_json)->Arg(200);

#ifdef POSTOFFICE_BENCH_SIMDJSON
void simdjson_on_demand(benchmark::State& state) {
  std::vector<ObjectId> ids(ids_max);
  simdjson::ondemand::parser parser;
  std::vector<simdjson::padded_string> padded;
  const auto texts = bodies(state.range(0));
  for (const auto& text : texts) padded.emplace_back(text);
  run(state, texts, [&](const std::string& text) {
    const auto& body = padded[static_cast<std::size_t>(&text - texts.data())];
    simdjson::ondemand::document document = parser.iterate(body);
    std::size_t count = 0;
    for (auto id : document["object_ids"].get_array()) ids[count++] = id.get_int64();
    benchmark::DoNotOptimize(ids.data());
    return count;
  });
}
BENCHMARK(simdjson_on_demand)->Arg(10)->Arg(100)->Arg(200)->Arg(1'000);
#endif

}  // namespace

BENCHMARK_MAIN();
