-- Creates the tables, or brings those of an older version up to this one. Run at the beginning of
-- each session that may do that, as one script and so as one transaction. Where the schema is
-- complete it needs no right to create anything.
--
-- A new version is a file of its own, a step below, and a larger "known" in begin.sql and in
-- schema.hpp. Older files are never changed: their tables exist.
--
-- SQLSTATEs of our own (schema.hpp): PO001 newer than this program, PO002 older, PO003 fenced.
DO $script$
-- include: schema/begin.sql

  -- One session at a time; one that has waited checks again.
  IF found < known THEN
    PERFORM pg_advisory_xact_lock(1347375957, hashtext(place));
    -- include: schema/read_version.sql
  END IF;
  IF found < known AND NOT has_schema_privilege(place, 'CREATE') THEN
    RAISE EXCEPTION 'no right to create in schema "%"', place USING ERRCODE = '42501';
  END IF;

  IF found < 1 THEN
    -- include: schema/001_tables.sql
    INSERT INTO postoffice_schema VALUES (1);
  END IF;
  IF found < 2 THEN
    -- include: schema/002_instances.sql
    UPDATE postoffice_schema SET version = 2;
  END IF;
  IF found < 3 THEN
    -- include: schema/003_refused_rows.sql
    UPDATE postoffice_schema SET version = 3;
  END IF;

  -- include: schema/refuse_newer.sql
END $script$;
