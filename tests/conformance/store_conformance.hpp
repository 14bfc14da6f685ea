// The contract of every ObjectStore. A test program names its stores in a class and calls
// POSTOFFICE_STORE_CONFORMANCE(TheStores):
//
//   struct TheStores {
//     static constexpr bool persistent = true;  // open() opens the same data again
//     std::unique_ptr<ReadableObjectStore> open();
//     void refuse(ObjectId id);  // from now on the row is neither written nor deleted
//     void allow(ObjectId id);   // … it is again
//   };
//
// Each test makes its own TheStores, which starts out empty.
#pragma once

#include "conformance/store/expiry.hpp"
#include "conformance/store/reading.hpp"
#include "conformance/store/refusals.hpp"
#include "conformance/store/rows.hpp"
#include "conformance/store/transactions.hpp"

#define POSTOFFICE_STORE_CONFORMANCE(Stores)                  \
  TEST_CASE_TEMPLATE_INVOKE(store_touches, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_last_seen, Stores);         \
  TEST_CASE_TEMPLATE_INVOKE(store_newest, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_equal, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_removal, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_removed_stays, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_removal_order, Stores);     \
  TEST_CASE_TEMPLATE_INVOKE(store_expiry, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_oldest_left, Stores);       \
  TEST_CASE_TEMPLATE_INVOKE(store_expiry_rechecks, Stores);   \
  TEST_CASE_TEMPLATE_INVOKE(store_late, Stores);              \
  TEST_CASE_TEMPLATE_INVOKE(store_late_update, Stores);       \
  TEST_CASE_TEMPLATE_INVOKE(store_dead_letters, Stores);      \
  TEST_CASE_TEMPLATE_INVOKE(store_dead_letter_query, Stores); \
  TEST_CASE_TEMPLATE_INVOKE(store_bad_text, Stores);          \
  TEST_CASE_TEMPLATE_INVOKE(store_find, Stores);              \
  TEST_CASE_TEMPLATE_INVOKE(store_count, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_extreme_ids, Stores);       \
  TEST_CASE_TEMPLATE_INVOKE(store_times, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_refused, Stores);           \
  TEST_CASE_TEMPLATE_INVOKE(store_kept, Stores);              \
  TEST_CASE_TEMPLATE_INVOKE(store_held, Stores);              \
  TEST_CASE_TEMPLATE_INVOKE(store_undeletable, Stores);       \
  TEST_CASE_TEMPLATE_INVOKE(store_each, Stores);              \
  TEST_CASE_TEMPLATE_INVOKE(store_idempotent, Stores);        \
  TEST_CASE_TEMPLATE_INVOKE(store_order, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_empty, Stores);             \
  TEST_CASE_TEMPLATE_INVOKE(store_big, Stores);               \
  TEST_CASE_TEMPLATE_INVOKE(store_random, Stores);            \
  TEST_CASE_TEMPLATE_INVOKE(store_writers, Stores)
