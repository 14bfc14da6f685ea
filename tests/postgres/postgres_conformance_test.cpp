#include <future>
#include <memory>
#include <set>

#include "conformance/store_conformance.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "support/postgres.hpp"

namespace {

/// A trigger of the user's.
void refuse_in(const postoffice::testing::PostgresSchema& schema, postoffice::ObjectId id) {
  const std::string name = "no_" + std::to_string(id);
  schema.run("CREATE OR REPLACE FUNCTION " + name +
             "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
             " RAISE EXCEPTION ''never id 2'' USING ERRCODE = ''U0001''; END';"
             "CREATE TRIGGER " +
             name + "_new BEFORE INSERT OR UPDATE ON objects FOR EACH ROW WHEN (NEW.id = " +
             std::to_string(id) + ") EXECUTE FUNCTION " + name + "();" + "CREATE TRIGGER " + name +
             "_old BEFORE DELETE ON objects FOR EACH ROW WHEN (OLD.id = " + std::to_string(id) +
             ") EXECUTE FUNCTION " + name + "()");
}

void allow_in(const postoffice::testing::PostgresSchema& schema, postoffice::ObjectId id) {
  schema.run("DROP FUNCTION no_" + std::to_string(id) + " CASCADE");
}

struct PostgresStores {
  static constexpr bool persistent = true;

  PostgresStores() { loop.start(); }

  std::unique_ptr<postoffice::ReadableObjectStore> open() {
    postoffice::PostgresObjectStoreOptions options;
    options.conninfo = schema.conninfo();
    return std::make_unique<postoffice::PostgresObjectStore>(loop, options);
  }

  void refuse(postoffice::ObjectId id) { refuse_in(schema, id); }
  void allow(postoffice::ObjectId id) { allow_in(schema, id); }

  postoffice::testing::PostgresSchema schema;
  postoffice::EventLoop loop;
};

/// Told of its watermark, and as long as there are no others, an instance behaves like a store that
/// is alone.
class InstanceStore final : public postoffice::ReadableObjectStore {
 public:
  InstanceStore(postoffice::EventLoop& loop, const postoffice::PostgresObjectStoreOptions& options,
                std::shared_ptr<void> place)
      : place_(std::move(place)), store_(loop, options) {}

  ~InstanceStore() override {
    std::promise<void> left;
    store_.leave(postoffice::testing::at(1e6), [&](std::error_code) { left.set_value(); });
    left.get_future().wait();
  }

  void apply(postoffice::Changes changes, ApplyDone done) override {
    store_.apply(std::move(changes), std::move(done));
  }
  void expire(postoffice::Expiry expiry, ExpireDone done) override {
    expiry.watermark = expiry.cutoff + std::chrono::seconds(30);
    store_.expire(std::move(expiry), std::move(done));
  }
  void find(postoffice::ObjectQuery query, FindDone done) override {
    store_.find(query, std::move(done));
  }
  void find_dead_letters(postoffice::DeadLetterQuery query, DeadLettersDone done) override {
    store_.find_dead_letters(std::move(query), std::move(done));
  }

 private:
  const std::shared_ptr<void> place_;
  postoffice::PostgresObjectStore store_;
};

struct PostgresInstanceStores {
  static constexpr bool persistent = true;

  PostgresInstanceStores() { loop.start(); }

  std::unique_ptr<postoffice::ReadableObjectStore> open() {
    postoffice::PostgresObjectStoreOptions options;
    options.conninfo = schema.conninfo();
    // A store that is opened again is the same instance. Another one's clock would be compared with
    // the clock of the first, and rows would go later by what the comparison leaves unsure.
    std::uint64_t publisher = 1;
    while (!open_publishers.insert(publisher).second) ++publisher;
    options.instance = postoffice::PostgresInstance{.publisher = publisher, .name = "conformance"};
    const std::shared_ptr<void> place(
        nullptr, [this, publisher](void*) { open_publishers.erase(publisher); });
    return std::make_unique<InstanceStore>(loop, options, place);
  }

  void refuse(postoffice::ObjectId id) { refuse_in(schema, id); }
  void allow(postoffice::ObjectId id) { allow_in(schema, id); }

  postoffice::testing::PostgresSchema schema;
  postoffice::EventLoop loop;
  std::set<std::uint64_t> open_publishers;
};

}  // namespace

namespace postoffice::testing {
POSTOFFICE_STORE_CONFORMANCE(PostgresStores);
POSTOFFICE_STORE_CONFORMANCE(PostgresInstanceStores);
}  // namespace postoffice::testing
