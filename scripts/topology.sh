#!/usr/bin/env bash
# Postoffice on several processes, all on this machine: private RabbitMQ and PostgreSQL servers, two
# publishers, three workers, and a tester that sends callbacks to both and answers for their
# objects. Installs what is missing (that needs root), builds, and shows what happens until Ctrl-C;
# then everything is stopped and removed.
#   scripts/topology.sh            runs it
#   scripts/topology.sh --prove    instead kills, freezes and restarts its parts, and checks that
#                                  nothing is lost or deleted early (some minutes)
# Options of the daemons are taken from deploy/.env, if there is one, but for addresses.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

build=$root/build/run
daemon_program=$build/apps/postofficed/postofficed
tester_program=$build/examples/tester/postoffice-tester
listen=(localhost:9090 localhost:9190)
serve_admin=(localhost:9091 localhost:9191)
worker_admin=(localhost:9092 localhost:9093 localhost:9094)
serves=()
workers=()
testers=()

# The settings that compose takes from the same file; see deploy/.example.env.
read_settings() {
  [[ -f $root/deploy/.env ]] || return 0
  local name value
  while IFS='=' read -r name value; do
    case $name in
      POSTOFFICE_SOURCE) ;; # of the containers
      POSTOFFICE_*) export "$name=${!name:-$value}" ;;
    esac
  done < <(grep -E '^POSTOFFICE_[A-Z_]+=' "$root/deploy/.env")
}

number() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" <<<"$1"; }

# Of several processes together: total <field> <admin address…>
total() {
  local field=$1 sum=0 address body
  shift
  for address in "$@"; do
    body=$(page "$address" /status) && sum=$((sum + $(number "$body" "$field")))
  done
  echo "$sum"
}

count_objects() {
  local body
  body=$(page "${serve_admin[0]}" "/objects?online=$1&limit=1000") || { echo "?"; return; }
  grep -o '"id":' <<<"$body" | wc -l
}

summary() {
  echo "summary | callbacks accepted $(number "$(page "${serve_admin[0]}" /status)" accepted_callbacks)" \
    "+ $(number "$(page "${serve_admin[1]}" /status)" accepted_callbacks)" \
    "· ids stored $(total stored "${worker_admin[@]}"), pending $(total pending "${worker_admin[@]}")" \
    "· objects online $(count_objects true), offline $(count_objects false)"
}

stop_all() {
  local process
  for process in "$@"; do
    if running "$process"; then kill -TERM "$process"; fi
  done
  for process in "$@"; do wait "$process"; done
}

# The testers are stopped last: one is the source of objects that are still being fetched.
end() {
  trap '' INT TERM
  echo
  summary
  echo "stopping"
  stop_all "${serves[@]}"
  stop_all "${workers[@]}"
  stop_all "${testers[@]}"
  sleep 0.2 # sed still has the last lines
  exit "$1"
}

await_ready() {
  local address=$1 process=$2 i
  for ((i = 0; i < 300; ++i)); do
    if page "$address" /readyz >/dev/null; then return 0; fi
    running "$process" || { sleep 0.2; end 1; }
    sleep 0.1
  done
  echo "$address does not get ready"
  end 1
}

all_run() {
  local process
  for process in "${serves[@]}" "${workers[@]}" "${testers[@]}"; do
    running "$process" || return 1
  done
}

start_daemons() {
  local i
  for i in 0 1; do
    start "serve-$((i + 1)) " "$daemon_program" serve --listen "${listen[i]}" \
      --admin-listen "${serve_admin[i]}" --data-dir "$data/serve-$((i + 1))"
    serves+=($!)
  done
  for i in 0 1 2; do
    start "worker-$((i + 1))" "$daemon_program" worker --admin-listen "${worker_admin[i]}" \
      --data-dir "$data/worker-$((i + 1))"
    workers+=($!)
  done
  for i in 0 1; do await_ready "${serve_admin[i]}" "${serves[i]}"; done
  for i in 0 1 2; do await_ready "${worker_admin[i]}" "${workers[i]}"; done
}

start_testers() {
  start "tester-1" "$tester_program" --target "http://${listen[0]}/callback"
  testers+=($!)
  start "tester-2" "$tester_program" --target "http://${listen[1]}/callback" --no-source
  testers+=($!)
}

# Runs while the servers exist, which end with it.
run() {
  export POSTOFFICE_QUEUE=$POSTOFFICE_TEST_RABBIT POSTOFFICE_STORE=$POSTOFFICE_TEST_POSTGRES
  data=$(mktemp -d "${TMPDIR:-/tmp}/postoffice-topology.XXXXXX")
  trap 'rm -rf "$data"' EXIT
  trap 'end 0' INT TERM
  "$daemon_program" migrate || exit
  say "running: callbacks to http://${listen[0]}/callback and http://${listen[1]}/callback, pages on" \
    "${serve_admin[*]} ${worker_admin[*]}; Ctrl-C stops"
  start_daemons
  start_testers
  local i
  while all_run; do
    for ((i = 0; i < 10; ++i)); do
      sleep 0.5 &
      wait $!
    done
    summary
  done
  echo "one of them has ended by itself"
  end 1
}

if [[ ${1:-} == run-beside-servers ]]; then
  run
  exit
fi
[[ $# == 0 || $* == --prove ]] || fail "usage: topology.sh [--prove]"
read_settings
need_packages "${build_packages[@]}" rabbitmq-server postgresql
if [[ ${1:-} == --prove ]]; then
  need_packages doctest-dev
  build_preset release "$root/build/release" -DPOSTOFFICE_BUILD_TESTS=ON \
    -DPOSTOFFICE_BUILD_BENCH=OFF -- fault_topology_test || fail "the build failed"
  exec "$root/build/release/tests/topology/fault_topology_test" --no-intro
fi
say "building"
build_preset release "$build" -DPOSTOFFICE_BUILD_TESTS=OFF -DPOSTOFFICE_BUILD_BENCH=OFF \
  -- postofficed postoffice-tester || fail "the build failed"
say "starting PostgreSQL and RabbitMQ"
exec "$root/tests/support/postgres_cluster.sh" run "$root/tests/support/rabbit_broker.sh" run \
  bash "$root/scripts/topology.sh" run-beside-servers
