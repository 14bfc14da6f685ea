// Which instance `instances retire` means, and whether it may be retired.
#pragma once

#include <string>

#include "exit_code.hpp"
#include "postoffice/defaults/postgres_instances.hpp"

namespace postofficed {

/// The id of the one instance that `wanted` names, by id or by name. Fails with ExitCode::usage if
/// there is none, or if several have the name: then the message has their ids.
Result<std::string> choose_instance(const postoffice::PostgresInstanceList& list,
                                    const std::string& wanted);

/// What speaks against retiring it; empty: nothing. A publisher or a shard's worker that is alive
/// registers anew, and deletes would have gone on without it meanwhile.
std::string why_alive(const postoffice::PostgresInstanceList& list, const std::string& id);

}  // namespace postofficed
