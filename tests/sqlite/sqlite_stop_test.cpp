// How the SQLite store ends.
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "conformance/store_harness.hpp"
#include "postoffice/defaults/sqlite_object_store.hpp"
#include "sqlite/database.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice {
namespace {

using conformance::Done;

struct SqliteHarness : conformance::StoreHarness<SqliteObjectStore> {
  static constexpr bool ends_inside = false;

  SqliteHarness() { begin(); }
  void begin() { hold(std::make_unique<SqliteObjectStore>(SqliteObjectStoreOptions{path})); }

  /// Somebody else writes: the first waits for the lock, and this one stands behind it.
  void wait(const Done& done) {
    std::promise<void> there;
    calls().front()([&](std::error_code) { there.set_value(); });
    there.get_future().wait();
    other_.emplace(path, std::chrono::seconds(10), nullptr);
    other_->run("BEGIN IMMEDIATE");
    store->expire({}, [](std::error_code, const Expired&) {});
    calls().front()(done);
  }

  testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "/objects.db";

 private:
  std::optional<sqlite::Database> other_;
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(conformance::stop_contract, SqliteHarness);

}  // namespace postoffice
