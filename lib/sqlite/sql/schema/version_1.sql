-- No index on last_seen: every touch would move an index entry, and only the scan, once per ttl,
-- would profit.
CREATE TABLE objects (
  id INTEGER PRIMARY KEY,
  online INTEGER NOT NULL CHECK (online IN (0, 1)),
  last_seen INTEGER NOT NULL,
  fetched_at INTEGER NOT NULL
);
CREATE VIEW online_objects AS SELECT id, last_seen, fetched_at FROM objects WHERE online;
CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  failed_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL
);
CREATE TABLE postoffice_expiry (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  cutoff INTEGER NOT NULL
);
INSERT INTO postoffice_expiry (only_row, cutoff) VALUES (1, -9223372036854775807 - 1);
CREATE TABLE postoffice_removed (id INTEGER PRIMARY KEY, fetched_at INTEGER NOT NULL);
CREATE TABLE postoffice_schema (version INTEGER PRIMARY KEY);
INSERT INTO postoffice_schema (version) VALUES (1);
