// What the schema has besides tables for rows that the database refuses, or that others have
// locked.
#pragma once

namespace postoffice::postgres {

/// postoffice_held: receipts that could not be written to their rows. What deletes rows looks
/// there, too: a row goes only if both lie before the cutoff.
extern const char* const held_table;

/// postoffice_only_some(): whether an error that each row given has may leave others alone.
extern const char* const only_some_function;

/// postoffice_apply_each(): changes of which some cannot be made. All others are made, and those
/// that cannot are returned, with the database's words; their receipts are held.
extern const char* const apply_each_function;

/// postoffice_expire_each(): the same for rows to delete.
extern const char* const expire_each_function;

}  // namespace postoffice::postgres
