# shellcheck shell=bash disable=SC2034 # variables are for those who source it
# What the scripts beside this file share. Source it: it makes the temporary folder $work, which goes
# when the script ends, with everything that was started by run_server.
set -euo pipefail
work=$(mktemp -d)
findings=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONDONTWRITEBYTECODE=1
servers=()

clean_up() {
  local server
  [[ -z ${postmaster:-} ]] || kill -QUIT "$postmaster" 2>/dev/null || true
  for server in "${servers[@]}"; do
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT

skip() { echo "skipped: $*" >&2; exit 77; }

# changed <what was seen>: the behaviour is no longer what this finding says.
changed() { echo "CHANGED: $*" >&2; exit 1; }

# debian <package=version…>: unpacks Debian packages below $work, without installing them; a version
# may end in *. What they need besides must be on the machine.
debian() {
  local package
  command -v apt-get >/dev/null || skip "this needs Debian's packages"
  mkdir -p "$work/debs" "$work/unpacked"
  for package in "$@"; do
    (cd "$work/debs" && apt-get download -q "$package" >apt.log 2>&1) ||
      skip "$package is no longer to be had"
  done
  for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/unpacked"; done
  export PATH="$work/unpacked/usr/sbin:$work/unpacked/usr/bin:$PATH"
  LD_LIBRARY_PATH="$work/unpacked/usr/lib/$(uname -m)-linux-gnu"
  export LD_LIBRARY_PATH
  for package in "$work"/debs/*.deb; do basename "$package" .deb; done
}

# rabbitmq <version>: must be installed, in that version. Sets $broker, the script that starts private
# ones.
rabbitmq() {
  local version
  broker=$findings/../tests/support/rabbit_broker.sh
  version=$(dpkg-query -W -f '${Version}' rabbitmq-server 2>/dev/null) || skip "RabbitMQ is not installed"
  [[ $version == "$1"-* ]] || skip "RabbitMQ is $version, not $1"
  echo "rabbitmq-server_$version"
}

# npm_packages <name@version…>: below $work; scripts that use them stand there, too.
npm_packages() {
  command -v npm >/dev/null || skip "this needs npm"
  (cd "$work" && npm install --silent --no-audit --no-fund --ignore-scripts "$@" >npm.log 2>&1) ||
    skip "$* is not to be had"
  printf '%s\n' "$@"
}

# run_server <command…>: until the script ends.
run_server() {
  "$@" </dev/null >/dev/null &
  servers+=($!)
}

# wait_for_port <host> <port>
wait_for_port() {
  local i
  for ((i = 0; i < 100; i++)); do
    (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return
    sleep 0.1
  done
  skip "nothing listens on $1 port $2"
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# postgres_server <option…>: PostgreSQL 15, unpacked before by `debian`, on loopback. Sets $bin, $port, the
# $conninfo of its only user, $postmaster, and $as_user, which stands before commands that root may not run.
postgres_server() {
  bin=$work/unpacked/usr/lib/postgresql/15/bin
  as_user=(env -C /)
  if ((EUID == 0)); then
    id postgres >/dev/null 2>&1 || skip "root needs a user named postgres for the server"
    as_user=(setpriv --reuid postgres --regid postgres --clear-groups env -C /)
    chmod 755 "$work"
    mkdir "$work/data" && chown postgres "$work/data"
  fi
  port=$(free_port)
  conninfo="host=127.0.0.1 port=$port user=me dbname=postgres"
  "${as_user[@]}" "$bin/initdb" -D "$work/data" -A trust -U me -N >"$work/initdb.log"
  run_server "${as_user[@]}" "$bin/postgres" -D "$work/data" -p "$port" -h 127.0.0.1 -k '' "$@" \
    2>"$work/postgres.log"
  postmaster=$!
  wait_for_port 127.0.0.1 "$port"
  local i
  for ((i = 0; i < 100; i++)); do
    "$bin/pg_isready" -q -d "$conninfo" && return
    sleep 0.1
  done
  skip "the server does not start"
}

# sql <option of psql…>
sql() { "$bin/psql" -qXAt "$conninfo" "$@"; }

# answering_server <port> <requests' log> <answer>: takes POSTs, writes a line for each with the
# seconds since the first, and gives the answer. Connections stay open.
answering_server() {
  cat >"$work/server.py" <<'PY'
import socket, sys, threading, time

port, log, answer = int(sys.argv[1]), sys.argv[2], sys.argv[3].encode().decode("unicode_escape")
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(64)
began = time.time()

def serve(connection):
    data = b""
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if found and len(rest) >= length:
            with open(log, "ab") as lines:
                lines.write(b"%.1f %r\n" % (time.time() - began, rest[:length]))
            try:
                connection.sendall(answer.encode())
            except OSError:
                return
            data = rest[length:]
            continue
        try:
            more = connection.recv(65536)
        except OSError:
            return
        if not more:
            return
        data += more

while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()
PY
  : >"$2"
  run_server python3 "$work/server.py" "$1" "$2" "$3"
  wait_for_port 127.0.0.1 "$1"
}
