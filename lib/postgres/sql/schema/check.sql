-- Only looks whether the schema is there and of this version: for sessions that must not create
-- anything (PostgresObjectStoreOptions::migrate = false). Like migrate.sql, one script.
DO $script$
DECLARE
  place text := current_schema();
  found int := 0;
  known int := 3;
BEGIN
  IF place IS NULL THEN
    RAISE EXCEPTION 'no schema of the search_path (%) exists', current_setting('search_path')
      USING ERRCODE = '3F000';
  END IF;
  -- include: schema/read_version.sql

  IF found < known THEN
    RAISE EXCEPTION 'schema "%" is missing or older than this program; run the migration first',
      place USING ERRCODE = 'PO002';
  END IF;
  IF found > known THEN
    RAISE EXCEPTION 'schema "%" has version %, newer than % which this program knows',
      place, found, known USING ERRCODE = 'PO001';
  END IF;
END $script$;
