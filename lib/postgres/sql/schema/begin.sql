-- How migrate.sql and check.sql begin: "known" is the version of this program, "found" that of the
-- schema.
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
