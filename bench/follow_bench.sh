#!/bin/bash
# How well the fetches in flight follow a source whose capacity halves and doubles: the rate from
# five mean latencies after each change on, against capacity / mean latency.
#
# Usage: follow_bench.sh DIRECTORY [CAPACITY] [CHANGE_SECONDS] [CHANGES]
#   DIRECTORY is that of a release build, with bench/ and examples/.
set -euo pipefail
build=$(realpath "$1")
capacity=${2:-1000}
change=${3:-6}
changes=${4:-7}
work=$(mktemp -d)
cleanup() {
  [ -z "${source_pid:-}" ] || kill "$source_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

started=$(date +%s.%N)
"$build/examples/tester/postoffice-tester" --no-sender --listen 127.0.0.1:0 --seed 1 \
  --latency-min 100ms --latency-spread 1s --capacity "$capacity" --capacity-change "${change}s" \
  >"$work/source" &
source_pid=$!
for ((i = 0; i < 50; i++)); do
  port=$(sed -n 's/.*, port \([0-9]*\)$/\1/p' "$work/source")
  [ -z "$port" ] || break
  sleep 0.05
done
"$build/bench/follow_bench" "http://127.0.0.1:$port/objects/{id}" "$capacity" "$change" 0.6 \
  "$changes" "$started"
