#!/usr/bin/env bash
# PostgreSQL 15: with merge joins off, a join by key still walks the whole index as if to merge.
#
# An UPDATE … FROM unnest(…) WHERE o.id = given.id is planned for a table that is empty and vacuumed,
# with hash joins, merge joins, sequential and bitmap scans off. What seems to be left is a lookup for
# each id. But a full scan of the primary key, which only its order is good for, is kept as the outer
# side of a nested loop, and every row is compared with every id: 20,000 rows and 1,000 ids are
# 20 million comparisons. A prepared statement keeps that plan when the table has grown. The same with
# o.id = ANY (ARRAY[given.id]) makes no order of use, and the index is asked for each id.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'postgresql-15=15.*' 'postgresql-client-15=15.*' 'libpq5=15.*'
postgres_server -c autovacuum=off
sql -c 'select version()'
sql -c 'create table objects (id bigint primary key, n int not null)' \
  -c 'insert into objects values (1, 0)' -c 'delete from objects' -c 'vacuum objects'

# try <condition>: sets $plan, that of a statement prepared while the table was empty, run by 1,000 ids
# once it has 20,000 rows.
try() {
  plan=$(sql <<SQL
set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; set enable_bitmapscan = off;
set plan_cache_mode = force_generic_plan;
prepare change (bigint[]) as update objects o set n = n + 1 from unnest(\$1) given(id) where $1;
begin;
execute change ('{}');
insert into objects select i, 0 from generate_series(1, 20000) i;
select array(select generate_series(1, 1000)) as ids \gset
explain (analyze, costs off, timing off, summary off) execute change (:'ids');
rollback;
vacuum objects;
SQL
  )
  echo "$1:"
  echo "$plan"
}
try 'o.id = given.id'
{ grep -q 'Index Scan using objects_pkey on objects o (actual rows=20000 loops=1)' <<<"$plan" &&
  grep -q 'Rows Removed by Join Filter: 19999000' <<<"$plan"; } || changed "the index is not walked"
try 'o.id = any (array[given.id])'
grep -q 'Index Scan using objects_pkey on objects o (actual rows=1 loops=1000)' <<<"$plan" ||
  changed "no lookups by key with = any"
