-- Receipts that could not be written to their rows, which are not deleted before them.
CREATE TABLE postoffice_held (id INTEGER PRIMARY KEY, last_seen INTEGER NOT NULL);
UPDATE postoffice_schema SET version = 2;
