#!/usr/bin/env bash
# PostgreSQL 15: statement_timeout does not end a COMMIT that waits for a synchronous standby.
#
# With synchronous_standby_names set and no such standby, COMMIT waits for ever: the time limit of
# the session is a second, and nothing is cancelled after five. The session keeps its row locks, also
# once its client is gone, so whoever comes after it runs into lock_timeout. A client needs a time
# limit of its own beyond the server's, and must not count on the server to clean up behind it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'postgresql-15=15.*' 'postgresql-client-15=15.*' 'libpq5=15.*'
postgres_server -c synchronous_standby_names=nobody
sql -c 'select version()'
sql -c 'set synchronous_commit = local' -c 'create table t (id int primary key)' -c 'insert into t values (1)'
code=0
timeout 5 "$bin/psql" -qX "$conninfo" -c "set statement_timeout = '1s'" \
  -c 'begin' -c 'update t set id = 1' -c 'commit' || code=$?
waiting=$(sql -c "select count(*) from pg_stat_activity where wait_event = 'SyncRep'")
echo "a limit of 1 s: psql ended with $code (124: killed after 5 s); $waiting session(s) still wait"
[[ $code == 124 && $waiting == 1 ]] || changed "exit $code, $waiting waiting"
code=0
sql -c "set lock_timeout = '1s'" -c 'set synchronous_commit = local' -c 'update t set id = 1' 2>"$work/second" || code=$?
cat "$work/second"
grep -q 'lock timeout' "$work/second" || changed "the locks are free"
