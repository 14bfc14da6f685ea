#include <sqlite3.h>

#include "conformance/store_conformance.hpp"
#include "postoffice/defaults/sqlite_object_store.hpp"
#include "support/temporary_directory.hpp"

namespace {

struct SqliteStores {
  static constexpr bool persistent = true;

  std::unique_ptr<postoffice::ReadableObjectStore> open() {
    const std::string path = directory / "objects.db";
    return std::make_unique<postoffice::SqliteObjectStore>(
        postoffice::SqliteObjectStoreOptions{path});
  }

  void refuse(postoffice::ObjectId id) {
    const std::string number = std::to_string(id);
    for (const char* what : {"INSERT", "UPDATE", "DELETE"}) {
      run("CREATE TRIGGER no_" + (what + number) + " BEFORE " + what + " ON objects WHEN " +
          (*what == 'D' ? "OLD" : "NEW") + ".id = " + number +
          " BEGIN SELECT raise(ABORT, 'never id 2'); END");
    }
  }
  void allow(postoffice::ObjectId id) {
    for (const char* what : {"INSERT", "UPDATE", "DELETE"}) {
      run("DROP TRIGGER no_" + (what + std::to_string(id)));
    }
  }
  void run(const std::string& sql) {
    sqlite3* opened = nullptr;
    sqlite3_open((directory / "objects.db").c_str(), &opened);
    sqlite3_busy_timeout(opened, 5'000);
    CHECK(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(opened);
  }

  postoffice::testing::TemporaryDirectory directory;
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(SqliteStores);
}  // namespace postoffice::testing
