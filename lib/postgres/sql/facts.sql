-- What a server says about itself, for `validate --online`: PostgresFacts, in the order of its members.
SELECT split_part(current_setting('server_version'), ' ', 1),
       coalesce(current_schema(), ''),
       t.oid IS NOT NULL,
       coalesce(bool_and(has_table_privilege(t.oid, wanted)), false),
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
       pg_is_in_recovery() OR current_setting('transaction_read_only')::bool,
       current_setting('synchronous_commit'),
       current_setting('fsync')::bool AND current_setting('full_page_writes')::bool
FROM (SELECT to_regclass(quote_ident(current_schema()) || '.objects') AS oid) AS t,
     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS wanted
GROUP BY t.oid;
