// Makes the store that --store names.
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

/// Fails with ExitCode::configuration when the location can never work. The store need not answer:
/// it retries. With `migrate` it creates or upgrades its schema when it connects. A store that can
/// be shared writes for `instance`, if given. `synchronous_commit`: see PostgresObjectStoreOptions.
Result<std::unique_ptr<postoffice::ReadableObjectStore>> make_store(
    const StoreLocation& location, bool migrate, postoffice::EventLoop& loop, postoffice::Log log,
    std::optional<postoffice::PostgresInstance> instance = {}, bool synchronous_commit = true);

/// Returns a function that reads the store's status, and must not outlive the store; null if the
/// store has none.
std::function<postoffice::StoreStatus()> store_status(const postoffice::ObjectStore* store);

/// Creates or upgrades the schema, blocking.
Failure migrate_store(const StoreLocation& location);

}  // namespace postofficed
