#include "conformance/store_conformance.hpp"

#include "postoffice/testing/memory_store.hpp"

namespace {

struct MemoryStores {
  static constexpr bool persistent = false;

  std::unique_ptr<postoffice::ReadableObjectStore> open() {
    auto opened = std::make_unique<postoffice::testing::MemoryStore>();
    store = opened.get();
    return opened;
  }

  void refuse(postoffice::ObjectId id) { store->refuse({id, "NO", "never id 2", false}); }
  void allow(postoffice::ObjectId id) { store->allow(id); }

  postoffice::testing::MemoryStore* store = nullptr;
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(MemoryStores);
}  // namespace postoffice::testing
