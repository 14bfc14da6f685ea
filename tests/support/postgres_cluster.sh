#!/bin/sh
# A private PostgreSQL cluster for tests, on a free loopback port, with its own data directory. Run
# by root it belongs to an unprivileged user, as the server insists.
#
#   postgres_cluster.sh start DIR          creates it if need be, starts it, prints conninfo
#   postgres_cluster.sh stop DIR [MODE]    MODE: smart, fast (default) or immediate
#   postgres_cluster.sh restart DIR [MODE] on the same port
#   postgres_cluster.sh standby DIR OF     creates DIR as an asynchronous standby of the cluster in
#                                          OF, starts it, prints conninfo
#   postgres_cluster.sh promote DIR        makes a standby a server of its own
#   postgres_cluster.sh conninfo DIR       prints the conninfo
#   postgres_cluster.sh remove DIR         stops it and deletes DIR
#   postgres_cluster.sh run COMMAND ...    runs COMMAND beside a cluster that lives as long as it,
#                                          with POSTOFFICE_TEST_POSTGRES (conninfo) and
#                                          POSTOFFICE_TEST_CLUSTER (DIR) set
#
# Exit 77: PostgreSQL's server programs are not installed.
set -eu

fail() { echo "postgres_cluster: $*" >&2; exit 1; }

find_programs() {
  for folder in ${POSTGRES_BIN:-} /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
    /usr/local/pgsql/bin; do
    if [ -x "$folder/initdb" ]; then bin=$folder; fi
  done
  if [ -z "${bin:-}" ] && command -v initdb >/dev/null; then
    bin=$(dirname "$(command -v initdb)")
  fi
  if [ -z "${bin:-}" ]; then
    echo "postgres_cluster: PostgreSQL's server programs were not found" >&2
    exit 77
  fi
}

server_user() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# Runs a server program as a user that is not root.
as_server() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && runuser -u "$(server_user)" -- "$@")
  else
    "$@"
  fi
}

free_port() {
  python3 -c 'from socket import socket
s = socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])' 2>/dev/null || shuf -i 20000-32000 -n 1
}

conninfo() { echo "host=127.0.0.1 port=$(cat "$dir/port") user=postoffice dbname=postgres"; }

create() {
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [ "$(id -u)" = 0 ]; then
    # The server's user must be able to reach its directory, whatever umask and parent say.
    chown "$(server_user)" "$dir"
    chmod 755 "$dir"
    as_server test -w "$dir" || fail "$(server_user) cannot reach $dir; choose another directory"
  fi
  as_server "$bin/initdb" --no-sync -D "$dir/data" -U postoffice -A trust -E UTF8 --locale=C \
    >"$dir/initdb.log" 2>&1 || fail "initdb failed: $(tail -1 "$dir/initdb.log")"
  # The user guarded, if a test creates it, needs its password; all others are trusted.
  echo "host all guarded 127.0.0.1/32 scram-sha-256" | cat - "$dir/data/pg_hba.conf" \
    >"$dir/pg_hba.conf"
  as_server tee "$dir/data/pg_hba.conf" >/dev/null <"$dir/pg_hba.conf"
  as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
shared_buffers = 128MB
max_wal_size = 2GB
log_min_messages = warning
END
}

# Another program may take the free port before the server does: then try the next.
start() {
  [ -d "$dir/data" ] || create
  dir=$(cd "$dir" && pwd)
  for attempt in 1 2 3 4 5; do
    if [ ! -s "$dir/port" ]; then free_port >"$dir/port"; fi
    if as_server "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/data/server.log" \
      -o "-p $(cat "$dir/port")" start >"$dir/start.log" 2>&1; then
      return 0
    fi
    grep -q "could not bind" "$dir/data/server.log" || break
    [ "$1" = same_port ] || rm -f "$dir/port"
    sleep "$attempt"
  done
  fail "the server does not start: $(tail -2 "$dir/data/server.log")"
}

standby() {
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if [ "$(id -u)" = 0 ]; then
    chown "$(server_user)" "$dir"
    chmod 755 "$dir"
  fi
  as_server "$bin/pg_basebackup" -D "$dir/data" -h 127.0.0.1 -p "$(cat "$1/port")" -U postoffice \
    --wal-method=stream --checkpoint=fast --write-recovery-conf >"$dir/backup.log" 2>&1 ||
    fail "pg_basebackup failed: $(tail -1 "$dir/backup.log")"
  start any_port
}

promote() {
  as_server "$bin/pg_ctl" -D "$dir/data" -w -t 60 promote >/dev/null
}

stop() {
  as_server "$bin/pg_ctl" -D "$dir/data" -w -t 60 -m "$1" stop >/dev/null 2>&1 || true
}

remove() {
  if [ -d "$dir/data" ]; then stop immediate; fi
  rm -rf "$dir"
}

run() {
  if [ -d /dev/shm ] && [ "${POSTGRES_CLUSTER_IN_MEMORY:-}" = 1 ]; then TMPDIR=/dev/shm; fi
  dir=$(mktemp -d "${TMPDIR:-/tmp}/postoffice-cluster.XXXXXX")
  trap remove EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  start any_port
  status=0
  POSTOFFICE_TEST_POSTGRES=$(conninfo) POSTOFFICE_TEST_CLUSTER=$dir "$@" || status=$?
  exit "$status"
}

[ $# -ge 2 ] || fail "usage: start|stop|restart|standby|promote|conninfo|remove DIR, or run COMMAND"
find_programs
command=$1
shift
if [ "$command" = run ]; then run "$@"; fi
dir=$1
case $command in
  start) start any_port; conninfo ;;
  stop) stop "${2:-fast}" ;;
  restart) stop "${2:-fast}"; start same_port; conninfo ;;
  standby) standby "$2"; conninfo ;;
  promote) promote ;;
  conninfo) conninfo ;;
  remove) remove ;;
  *) fail "unknown command $command" ;;
esac
