#!/bin/bash
# How long a callback of 200 ids takes against its slowest answer, which comes after 0.3 s like all the
# others: with no connection open, and with all of them.
#
# Usage: cold_bench.sh DIRECTORY
#   DIRECTORY is that of a release build, with bench/ and examples/.
set -euo pipefail
build=$(realpath "$1")
work=$(mktemp -d)
cleanup() {
  [ -z "${source_pid:-}" ] || kill "$source_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

"$build/examples/tester/postoffice-tester" --no-sender --listen 127.0.0.1:0 \
  --latency-min 300ms --latency-spread 0 >"$work/source" &
source_pid=$!
for ((i = 0; i < 50; i++)); do
  port=$(sed -n 's/.*, port \([0-9]*\)$/\1/p' "$work/source")
  [ -z "$port" ] || break
  sleep 0.05
done
"$build/bench/cold_bench" "http://127.0.0.1:$port/objects/{id}" 0.3
