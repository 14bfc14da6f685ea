// From --store to a store.
#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "options/location.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_store.hpp"

namespace postofficed {

/// Null with a `problem` when the location can never work. Whether the store answers does not
/// matter: it goes on trying. With `migrate` it creates or upgrades its schema as it connects.
std::unique_ptr<postoffice::ObjectStore> make_store(const StoreLocation& location, bool migrate,
                                                    postoffice::EventLoop& loop,
                                                    postoffice::Log log, std::string& problem);

/// Creates or upgrades the schema, blocking. `message` is one line for people.
std::error_code migrate_store(const StoreLocation& location, std::string& message);

}  // namespace postofficed
