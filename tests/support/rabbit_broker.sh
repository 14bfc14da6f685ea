#!/bin/sh
# A private RabbitMQ broker for tests, on free loopback ports, with its own directory, Erlang cookie
# and port mapper.
#
#   rabbit_broker.sh start DIR         creates it if need be, starts it, prints its URL
#   rabbit_broker.sh join DIR OTHER    creates it and starts it as a node of OTHER's cluster
#   rabbit_broker.sh stop DIR          in good order
#   rabbit_broker.sh kill DIR          at once (SIGKILL)
#   rabbit_broker.sh restart DIR       after either, on the same port
#   rabbit_broker.sh url DIR           prints the URL
#   rabbit_broker.sh pid DIR           prints the broker's process id
#   rabbit_broker.sh ctl DIR ARG ...   rabbitmqctl
#   rabbit_broker.sh remove DIR        ends it and deletes DIR
#   rabbit_broker.sh run COMMAND ...   runs COMMAND beside a broker that lives as long as it, with
#                                      POSTOFFICE_TEST_RABBIT (URL) and POSTOFFICE_TEST_BROKER (DIR)
#   rabbit_broker.sh run --tls COMMAND …   the same; the URL says amqps and names the CA
#
# Exit 77: RabbitMQ (or, for --tls, openssl) is not installed.
set -eu

fail() { echo "rabbit_broker: $*" >&2; exit 1; }

find_programs() {
  for bin in ${RABBITMQ_BIN:-} /usr/lib/rabbitmq/bin /usr/local/sbin; do
    if [ -x "$bin/rabbitmq-server" ] && [ -x "$bin/rabbitmqctl" ]; then return; fi
  done
  echo "rabbit_broker: RabbitMQ was not found" >&2
  exit 77
}

free_ports() {
  python3 -c 'from socket import socket
sockets = [socket() for _ in range(4)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*[s.getsockname()[1] for s in sockets])' 2>/dev/null || shuf -i 20000-32000 -n 4 | tr '\n' ' '
}

create() {
  mkdir -p "$dir/log" "$dir/data"
  dir=$(cd "$dir" && pwd)
  free_ports >"$dir/ports"
  (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/.erlang.cookie")
  chmod 400 "$dir/.erlang.cookie"
  echo '[].' >"$dir/enabled_plugins"
  cat >"$dir/rabbitmq.conf" <<END
disk_free_limit.absolute = 1MB
raft.wal_max_size_bytes = 67108864
END
}

# A CA of the broker's own, and the broker's certificate.
create_tls() {
  command -v openssl >/dev/null || { echo "rabbit_broker: openssl was not found" >&2; exit 77; }
  mkdir -p "$dir/tls"
  echo 'subjectAltName = DNS:localhost, IP:127.0.0.1' >"$dir/tls/names"
  (
    cd "$dir/tls"
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=ca -days 2 -keyout ca.key -out ca.pem
    openssl req -newkey rsa:2048 -nodes -subj /CN=broker -keyout key.pem -out request.pem
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
      -extfile names -out certificate.pem
  ) >"$dir/log/tls" 2>&1 || fail "no certificates: $(tail -3 "$dir/log/tls")"
  read -r port distribution_port epmd_port tls_port <"$dir/ports"
  cat >>"$dir/rabbitmq.conf" <<END
listeners.ssl.1 = 127.0.0.1:$tls_port
ssl_options.cacertfile = $dir/tls/ca.pem
ssl_options.certfile = $dir/tls/certificate.pem
ssl_options.keyfile = $dir/tls/key.pem
END
}

# Everything that tells RabbitMQ's programs which broker is meant.
environment() {
  read -r port distribution_port epmd_port tls_port <"$dir/ports"
  export HOME="$dir"
  export RABBITMQ_NODENAME="postoffice-$port@localhost"
  export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port"
  export RABBITMQ_DIST_PORT="$distribution_port"
  export ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_MNESIA_BASE="$dir/data" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_LOGS="$dir/log/log"
  export RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins"
  export RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null
  export RABBITMQ_PID_FILE="$dir/pid"
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
}

ctl() { (environment && cd "$dir" && exec "$bin/rabbitmqctl" "$@"); }

alive() { [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

launch() {
  : >"$dir/log/log"
  rm -f "$dir/pid"
  # In a session of its own: what ends the test's process group does not end the broker.
  (environment && cd "$dir" && exec setsid "$bin/rabbitmq-server") >"$dir/log/console" 2>&1 </dev/null &
  launched=$!
  waited=0
  while [ $waited -lt 600 ]; do
    if grep -q "startup complete" "$dir/log/log" 2>/dev/null; then return 0; fi
    if ! kill -0 "$launched" 2>/dev/null; then return 1; fi
    sleep 0.1
    waited=$((waited + 1))
  done
  return 1
}

# Another program may take a free port before the broker does: then try others.
start() {
  [ -d "$dir/data" ] || create
  dir=$(cd "$dir" && pwd)
  if alive; then return 0; fi
  for attempt in 1 2 3; do
    if launch; then return 0; fi
    [ "$1" = same_port ] || [ -n "$(ls "$dir/data")" ] || free_ports >"$dir/ports"
    sleep "$attempt"
  done
  fail "the broker does not start: $(tail -3 "$dir/log/console" "$dir/log/log")"
}

# Nodes find each other by one port mapper, and trust each other by one cookie.
join() {
  other=$(cd "$1" && pwd)
  create
  read -r other_port _ epmd_port _ <"$other/ports"
  read -r port distribution_port _ tls_port <"$dir/ports"
  echo "$port $distribution_port $epmd_port $tls_port" >"$dir/ports"
  cp -f "$other/.erlang.cookie" "$dir/.erlang.cookie"
  start same_port
  for step in stop_app reset "join_cluster postoffice-$other_port@localhost" start_app; do
    # shellcheck disable=SC2086  # a word each
    ctl $step >>"$dir/log/join" 2>&1 || fail "no $step: $(tail -3 "$dir/log/join")"
  done
}

await_end() {
  for _ in $(seq 100); do
    alive || return 0
    sleep 0.1
  done
}

stop() {
  alive || return 0
  kill -TERM "$(cat "$dir/pid")" 2>/dev/null || true
  await_end
  kill_now
}

kill_now() {
  alive || return 0
  kill -KILL "$(cat "$dir/pid")" 2>/dev/null || true
  await_end
}

remove() {
  kill_now
  (environment && epmd -kill >/dev/null 2>&1) || true
  rm -rf "$dir"
}

url() {
  read -r port distribution_port epmd_port tls_port <"$dir/ports"
  if [ -d "$dir/tls" ]; then
    echo "amqps://guest:guest@127.0.0.1:$tls_port?cacertfile=$dir/tls/ca.pem"
  else
    echo "amqp://guest:guest@127.0.0.1:$port"
  fi
}

run() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/postoffice-broker.XXXXXX")
  trap remove EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  create
  if [ "$1" = --tls ]; then
    shift
    create_tls
    start same_port
  else
    start any_port
  fi
  status=0
  POSTOFFICE_TEST_RABBIT=$(url) POSTOFFICE_TEST_BROKER=$dir "$@" || status=$?
  exit "$status"
}

[ $# -ge 2 ] || fail "usage: start|join|stop|kill|restart|url|pid|ctl|remove DIR, or run COMMAND"
find_programs
command=$1
shift
if [ "$command" = run ]; then run "$@"; fi
dir=$1
shift
case $command in
  start) start any_port; url ;;
  join) join "$1"; url ;;
  stop) stop ;;
  kill) kill_now ;;
  restart) stop; start same_port; url ;;
  url) url ;;
  pid) cat "$dir/pid" ;;
  ctl) ctl "$@" ;;
  remove) remove ;;
  *) fail "unknown command $command" ;;
esac
