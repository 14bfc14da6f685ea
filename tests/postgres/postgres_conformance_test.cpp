#include "conformance/store_conformance.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "support/postgres.hpp"

namespace {

struct PostgresStores {
  static constexpr bool persistent = true;

  PostgresStores() { loop.start(); }

  std::unique_ptr<postoffice::ObjectStore> open() {
    postoffice::PostgresObjectStoreOptions options;
    options.conninfo = schema.conninfo();
    return std::make_unique<postoffice::PostgresObjectStore>(loop, options);
  }

  postoffice::testing::PostgresSchema schema;
  postoffice::EventLoop loop;
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(PostgresStores);
}  // namespace postoffice::testing
