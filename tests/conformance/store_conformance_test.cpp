#include "conformance/store_conformance.hpp"

#include "postoffice/testing/memory_store.hpp"

namespace {

struct MemoryStores {
  static constexpr bool persistent = false;

  std::unique_ptr<postoffice::ObjectStore> open() {
    return std::make_unique<postoffice::testing::MemoryStore>();
  }
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(MemoryStores);
}  // namespace postoffice::testing
