#include "conformance/store_conformance.hpp"
#include "postoffice/defaults/sqlite_object_store.hpp"
#include "support/temporary_directory.hpp"

namespace {

struct SqliteStores {
  static constexpr bool persistent = true;

  std::unique_ptr<postoffice::ObjectStore> open() {
    const std::string path = directory.path() / "objects.db";
    return std::make_unique<postoffice::SqliteObjectStore>(
        postoffice::SqliteObjectStoreOptions{path});
  }

  postoffice::testing::TemporaryDirectory directory;
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(SqliteStores);
}  // namespace postoffice::testing
