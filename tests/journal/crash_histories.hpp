// The small histories that crash_states_test.cpp takes apart: each shows one thing the queue does.
#pragma once

#include "journal/crash_script.hpp"

namespace postoffice::journal {

inline void first_start(Script& script) {
  script.start();
  script.maintain();
  script.batches(1);
}

inline void three_batches(Script& script) {
  script.start();
  script.batches(3);
}

inline void one_big_batch(Script& script) {
  script.start();
  script.append(12, 60);  // eight sectors: every set of them is lost
  script.flush();
  script.append(20, 60);
  script.flush();
  script.append(1);
  script.flush();
}

inline void roll_to_new_segments(Script& script) {
  script.start();
  script.maintain();
  script.batches(4);
  script.maintain();
  script.append(60);  // more than a segment takes
  script.flush();
}

inline void acknowledge_and_cursor(Script& script) {
  script.start();
  script.batches(2);
  script.acknowledge(1);
  script.maintain();
  script.batches(1);
  script.acknowledge();
  script.maintain();
}

inline void trim_with_recycling(Script& script) {
  script.start();
  script.batches(7);  // three segments made on the spot
  script.acknowledge();
  script.maintain();
  script.batches(4);  // what was recycled is used again
  script.acknowledge(1);
  script.maintain();
  script.batches(1);
}

inline void trim_with_removal(Script& script) {
  script.start();
  script.maintain();  // a spare, so that nothing needs recycling
  script.batches(4);
  script.maintain();
  script.batches(3);
  script.acknowledge();
  script.run().pass(std::chrono::seconds(1));
  script.run().work(Worker::maintainer);
  script.batches(1);
}

inline void flushes_while_a_spare_is_made(Script& script) {
  script.start();
  script.batches(2);
  script.disk().meanwhile(2, [&] { script.batches(2); });  // between its zeros and their sync
  script.maintain();
  script.batches(2);
}

inline void flushes_while_the_cursor_is_stored(Script& script) {
  script.start();
  script.batches(5);
  script.maintain();
  script.acknowledge(1);
  script.run().pass(std::chrono::seconds(1));
  script.disk().meanwhile(2, [&] { script.batches(2); });  // between its write and the sync
  script.maintain();
  script.acknowledge(2);
  script.run().pass(std::chrono::seconds(1));
  script.disk().meanwhile(1, [&] { script.batches(1); });
  script.maintain();
}

inline void failed_sync_of_a_batch(Script& script) {
  script.start();
  script.batches(1);
  script.append(2);
  script.disk().fail_sync(1);
  script.flush();
  script.run().pass(std::chrono::seconds(1));
  script.flush();
  script.batches(2);
}

inline void failed_syncs_of_files(Script& script) {
  script.start();
  script.disk().fail_sync(1);
  script.maintain();  // of a spare
  script.disk().fail_sync(1);
  script.batches(1);  // of a header
  script.run().pass(std::chrono::seconds(1));
  script.flush();
  script.batches(2);
  script.acknowledge(1);
  script.disk().fail_sync(1);
  script.maintain();  // of the cursor
  script.batches(1);
  script.maintain();
}

inline void torn_tail_and_on(Script& script) {
  script.start();
  script.batches(2);
  script.append(20);
  script.disk().die_after(1);  // written, not synced
  script.flush();
  script.cut_power(Fate::tail(2));
  script.start();
  script.batches(2);
  script.append(20);
  script.disk().die_after(1);
  script.flush();
  script.cut_power(Fate::head(3));
  script.start();
  script.batches(1);
}

inline void recovery_twice(Script& script) {
  script.start();
  script.batches(2);
  script.append(10);
  script.disk().die_after(1);
  script.flush();
  script.kill();  // what was written is in the page cache
  script.start();
  script.kill();
  script.start();
  script.batches(1);
  script.acknowledge(3);
  script.stop();
  script.start();
  script.batches(1);
}

inline void requeued_records(Script& script) {
  script.start();
  script.batches(1);
  script.append(2, 60, true);
  script.append(1);
  script.flush();
  script.acknowledge(3);
  script.maintain();
  script.append(1, 60, true);
  script.flush();
  script.kill();
  script.start();
  script.append(1, 60, true);
  script.flush();
}

inline void backlog_is_read(Script& script) {
  script.start();
  script.batches(5);
  script.kill();
  script.start();
  script.disk().meanwhile(1, [&] { script.run().read_all(); });
  script.batches(2);
  script.acknowledge(2);
  script.maintain();
  script.acknowledge();
  script.stop();
}

inline void burned_sequences(Script& script) {
  script.start();
  script.batches(1);
  for (int i = 0; i < 2; ++i) {
    script.append(3);
    script.disk().fail_sync(1);
    script.flush();
    script.append(1);
    script.run().pass(std::chrono::seconds(10));
    script.flush();
  }
  script.acknowledge();
  script.maintain();
  script.append(1);
  script.disk().fail_sync(1);
  script.flush();
  script.kill();
  script.start();
  script.batches(1);
}

inline void full_disk_then_room(Script& script) {
  script.start();
  script.batches(2);
  script.disk().set_full(true);
  script.batches(2);
  script.maintain();
  script.acknowledge(1);
  script.maintain();
  script.disk().set_full(false);
  script.run().pass(std::chrono::seconds(10));
  script.flush();
  script.batches(2);
  script.maintain();
  script.maintain();
}

inline void cut_with_a_file_that_never_was(Script& script) {
  script.start();
  script.batches(3);
  script.append(1);
  script.disk().die_after(3);  // created, allocated, its header written
  script.flush();
  script.cut_power(Fate::dropped());
  script.start();
  script.batches(1);
  script.maintain();
}

inline void clean_stops(Script& script) {
  for (int i = 0; i < 3; ++i) {
    script.start();
    script.batches(2);
    script.acknowledge(1);
    script.stop();
  }
}

/// Two or three segments, a cursor, a trim, a spare.
inline void some_work(Script& script) {
  script.batches(4);
  script.acknowledge(2);
  script.maintain();
  script.batches(2);
}

inline void flush_at_every_change_of_maintenance(Script& script, std::size_t n) {
  script.start();
  script.batches(4);
  script.acknowledge(1);
  script.disk().meanwhile(n, [&] { script.batches(1); });
  script.maintain();
  script.batches(1);
}

inline void maintenance_at_every_change_of_flushes(Script& script, std::size_t n) {
  script.start();
  script.batches(4);
  script.acknowledge(1);
  script.disk().meanwhile(n, [&] { script.maintain(); });
  script.batches(3);
}

inline void killed_at_every_change(Script& script, std::size_t n) {
  script.start();
  script.batches(1);
  script.disk().die_after(n);
  some_work(script);
  script.kill();
  script.start();
  script.batches(1);
}

inline void killed_at_every_change_of_a_start(Script& script, std::size_t n) {
  script.start();
  script.batches(2);
  script.append(8);
  script.disk().die_after(1);
  script.flush();
  script.cut_power(Fate::tail(1));
  script.disk().die_after(n);
  script.start();
  script.kill();
  script.start();
  script.batches(1);
}

inline void every_sync_fails_once(Script& script, std::size_t n) {
  script.start();
  script.disk().fail_sync(n);
  some_work(script);
  script.run().pass(std::chrono::seconds(10));
  script.flush();
  script.batches(1);
}

inline void every_directory_sync_fails_once(Script& script, std::size_t n) {
  script.start();
  script.disk().fail_directory_sync(n);
  some_work(script);
  script.run().pass(std::chrono::seconds(10));
  script.flush();
  script.batches(1);
}

inline void the_disk_is_full_from_any_change_on(Script& script, std::size_t n) {
  script.start();
  script.batches(1);
  script.disk().meanwhile(n, [&] { script.disk().set_full(true); });
  some_work(script);
  script.disk().set_full(false);
  script.run().pass(std::chrono::seconds(10));
  script.flush();
  script.batches(1);
}

struct History {
  const char* name;
  void (*play)(Script&);
};

/// Played for 0, 1, 2, … `times - 1`.
struct Family {
  const char* name;
  void (*play)(Script&, std::size_t);
  std::size_t times;
};

inline constexpr History histories[] = {
    {"first start", first_start},
    {"three batches", three_batches},
    {"one big batch", one_big_batch},
    {"roll to new segments", roll_to_new_segments},
    {"acknowledge and cursor", acknowledge_and_cursor},
    {"trim with recycling", trim_with_recycling},
    {"trim with removal", trim_with_removal},
    {"flushes while a spare is made", flushes_while_a_spare_is_made},
    {"flushes while the cursor is stored", flushes_while_the_cursor_is_stored},
    {"failed sync of a batch", failed_sync_of_a_batch},
    {"failed syncs of files", failed_syncs_of_files},
    {"torn tail and on", torn_tail_and_on},
    {"recovery twice", recovery_twice},
    {"requeued records", requeued_records},
    {"backlog is read", backlog_is_read},
    {"burned sequences", burned_sequences},
    {"full disk, then room", full_disk_then_room},
    {"cut with a file that never was", cut_with_a_file_that_never_was},
    {"clean stops", clean_stops},
};

inline constexpr Family families[] = {
    {"a flush at every change of maintenance", flush_at_every_change_of_maintenance, 12},
    {"maintenance at every change of flushes", maintenance_at_every_change_of_flushes, 12},
    {"killed at every change", killed_at_every_change, 32},
    {"killed at every change of a start", killed_at_every_change_of_a_start, 8},
    {"every sync fails once", every_sync_fails_once, 12},
    {"every directory sync fails once", every_directory_sync_fails_once, 6},
    {"the disk is full from any change on", the_disk_is_full_from_any_change_on, 24},
};

}  // namespace postoffice::journal
