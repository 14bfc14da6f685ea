-- Only checks that the schema exists and has this version: for sessions that must not create
-- anything (PostgresObjectStoreOptions::migrate = false). Like migrate.sql, one script.
DO $script$
-- include: schema/begin.sql

  IF found < known THEN
    RAISE EXCEPTION 'schema "%" is missing or older than this program; run the migration first',
      place USING ERRCODE = 'PO002';
  END IF;
  -- include: schema/refuse_newer.sql
END $script$;
