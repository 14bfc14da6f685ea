IF found > known THEN
  RAISE EXCEPTION 'schema "%" has version %, newer than % which this program knows',
    place, found, known USING ERRCODE = 'PO001';
END IF;
