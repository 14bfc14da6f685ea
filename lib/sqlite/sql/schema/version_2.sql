-- Receipts that could not be written to their rows. A row is not deleted before its held receipt
-- expires.
CREATE TABLE postoffice_held (id INTEGER PRIMARY KEY, last_seen INTEGER NOT NULL);
UPDATE postoffice_schema SET version = 2;
