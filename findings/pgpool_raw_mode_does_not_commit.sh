#!/usr/bin/env bash
# pgpool-II 4.3.5, backend_clustering_mode = 'raw': an INSERT with parameters is never committed.
#
# Sent by the extended protocol (PQexecParams, and most drivers for most statements) outside of a
# transaction, it is answered as done. But pgpool puts a BEGIN of its own before it, and no COMMIT
# follows: the server's transaction stays open over all that comes after, with its locks. Nobody else
# sees the rows, and they are undone when the session ends. The one hint is that libpq says "in a
# transaction" where none was begun. BEGIN and COMMIT by the client help, and so does
# backend_clustering_mode = 'streaming_replication', over a single server, too. pgpool's developers
# have it as issue 172.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'pgpool2=4.3.5-*' 'libpgpool2=4.3.5-*' 'libmemcached11=1.1.4-*' 'libhashkit2=1.1.4-*' \
  'postgresql-15=15.*' 'postgresql-client-15=15.*' 'libpq5=15.*'
postgres_server
sql -c 'select version()' -c 'create table t (id int)'
cat >"$work/insert.py" <<'PY'
import sys, time
from libpq import pq

direct, pooled = (pq.PQconnectdb(conninfo.encode()) for conninfo in sys.argv[1:])

def execute(*statements):
    results = [pq.PQexecParams(pooled, one.encode(), 0, None, None, None, None, 0) for one in statements]
    return [pq.PQcmdStatus(result).decode() for result in results]

def rows():
    return int(pq.PQgetvalue(pq.PQexec(direct, b"select count(*) from t"), 0, 0))

insert = "insert into t values (1)"
print(f"told {execute('begin', insert, 'commit')}, others see {rows()} of 1")
told = execute(insert, insert)
state = ("idle", "active", "in a transaction")[pq.PQtransactionStatus(pooled)]
seen = rows()
pq.PQfinish(pooled)
time.sleep(1)
print(f"told {told}, {state}, others see {seen} of 3, and {rows()} when the session is over")
PY

# try <mode>: pgpool in that mode, over one PostgreSQL server. Sets $seen.
try() {
  local pool=$work/$1 pool_port
  pool_port=$(free_port)
  mkdir "$pool"
  cat >"$pool/pgpool.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $pool_port
pcp_listen_addresses = ''
pcp_port = $(free_port)
unix_socket_directories = '$pool'
pcp_socket_dir = '$pool'
wd_ipc_socket_dir = '$pool'
pid_file_name = '$pool/pid'
logdir = '$pool'
backend_hostname0 = '127.0.0.1'
backend_port0 = $port
backend_clustering_mode = '$1'
num_init_children = 4
enable_pool_hba = on
sr_check_period = 0
CONF
  echo 'host all all 127.0.0.1/32 trust' >"$pool/pool_hba.conf"
  : >"$pool/pcp.conf"
  ((EUID != 0)) || chown -R postgres "$pool"
  run_server "${as_user[@]}" "$work/unpacked/usr/sbin/pgpool" -n -f "$pool/pgpool.conf" \
    -a "$pool/pool_hba.conf" -F "$pool/pcp.conf" 2>"$work/pgpool.log"
  wait_for_port 127.0.0.1 "$pool_port"
  sql -c 'truncate t'
  seen=$(PYTHONPATH=$findings timeout 10 python3 "$work/insert.py" \
    "$conninfo" "${conninfo/port=$port/port=$pool_port}")
  echo "$1: ${seen//$'\n'/$'\n'$1: }"
}
try raw
grep -q "^told \['BEGIN', 'INSERT 0 1', 'COMMIT'\], others see 1 of 1$" <<<"$seen" || changed "COMMIT does not help"
grep -q "^told \['INSERT 0 1', 'INSERT 0 1'\], in a transaction, others see 1 of 3, and 1 when" <<<"$seen" ||
  changed "the rows are there"
try streaming_replication
grep -q "idle, others see 3 of 3, and 3 when" <<<"$seen" || changed "streaming_replication loses rows, too"
