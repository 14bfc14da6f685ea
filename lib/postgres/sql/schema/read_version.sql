-- The version of the schema in "place" into "found", which stays 0 where there is none. Asks pg_class
-- itself: to_regclass() may answer from a cache that is older than the lock.
IF EXISTS (SELECT FROM pg_class
           WHERE relname = 'postoffice_schema'
           AND relnamespace = quote_ident(place)::regnamespace) THEN
  EXECUTE format('SELECT coalesce(max(version), 0) FROM %I.postoffice_schema', place) INTO found;
END IF;
