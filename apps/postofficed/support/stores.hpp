// From --store to a store.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "exit_code.hpp"
#include "options/location.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/store_status.hpp"

namespace postofficed {

/// Fails with ExitCode::configuration when the location can never work. Whether the store answers
/// does not matter: it goes on trying. With `migrate` it creates or upgrades its schema as it
/// connects. A store that can be shared writes for `instance`, if that is given.
/// `synchronous_commit`: see PostgresObjectStoreOptions.
Result<std::unique_ptr<postoffice::ReadableObjectStore>> make_store(
    const StoreLocation& location, bool migrate, postoffice::EventLoop& loop, postoffice::Log log,
    std::optional<postoffice::PostgresInstance> instance = {}, bool synchronous_commit = true);

/// Asks the store for its status, which must live as long; null where it tells none.
std::function<postoffice::StoreStatus()> store_status(const postoffice::ObjectStore* store);

/// Whether the store answers and can be used as it is reached, blocking; changes nothing.
Failure check_store(const StoreLocation& location);

/// Creates or upgrades the schema, blocking.
Failure migrate_store(const StoreLocation& location);

}  // namespace postofficed
