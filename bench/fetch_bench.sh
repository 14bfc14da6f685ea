#!/bin/bash
# Fetches with HttpObjectSource and with Go's net/http from the same source, side by side: the two
# take turns (ABBA), and the medians of their processor time a fetch, of its ratio, and of the rates
# against concurrency / mean latency are printed.
#
# Usage: fetch_bench.sh DIRECTORY [PAIRS] [SECONDS] [IN_FLIGHT] [LATENCY_MIN_MS] [LATENCY_SPREAD_MS]
#   DIRECTORY is that of a release build, with bench/ and examples/. Without `go` only ours is
#   measured. The source runs on the first processor, the clients on the second. Without latencies
#   there are 4,000 answers a second.
set -euo pipefail
build=$(realpath "$1")
pairs=${2:-5}
seconds=${3:-5}
in_flight=${4:-1000}
min=${5:-$((in_flight / 20))}
spread=${6:-$((in_flight * 2 / 5))}
here=$(dirname "$(realpath "$0")")
mean=$(awk -v m="$min" -v s="$spread" 'BEGIN {print (m + s / 2) / 1000}')
work=$(mktemp -d)
cleanup() {
  [ -z "${source_pid:-}" ] || kill "$source_pid" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

clients=(ours)
if command -v go >/dev/null; then
  GOCACHE="$work/cache" go build -o "$work/fetch_go" "$here/peers/fetch_go.go"
  clients=(ours go)
fi

taskset -c 0 "$build/examples/tester/postoffice-tester" --no-sender --listen 127.0.0.1:0 \
  --latency-min "${min}ms" --latency-spread "${spread}ms" --seed 1 >"$work/source" &
source_pid=$!
for ((i = 0; i < 50; i++)); do
  port=$(sed -n 's/.*, port \([0-9]*\)$/\1/p' "$work/source")
  [ -z "$port" ] || break
  sleep 0.1
done

measure() {  # one client; appends to its files
  local program="$build/bench/fetch_bench"
  [ "$1" = ours ] || program="$work/fetch_go"
  taskset -c 1 "$program" "http://127.0.0.1:$port/objects/{id}" "$in_flight" "$mean" "$seconds" |
    tr -d ',' >"$work/output"
  awk '/ ratio / {rate = $NF}
       /^failed / {print rate, $2, $4, $8}' "$work/output" >"$work/line"
  read -r rate failed cpu bytes <"$work/line"
  echo "$rate" >>"$work/all.rate.$1"
  echo "$cpu" >>"$work/all.cpu.$1"
  echo "$bytes" >>"$work/all.bytes.$1"
  printf '%2d  %-4s  rate %s of possible, %s us a fetch, %s bytes a fetch in flight, %s failed\n' \
    "$i" "$1" "$rate" "$cpu" "$bytes" "$failed"
}

median() {
  sort -n "$1" | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'
}

for ((i = 1; i <= pairs; i++)); do
  order=("${clients[@]}")
  ((i % 2)) || [ "${#clients[@]}" = 1 ] || order=(go ours)
  for client in "${order[@]}"; do measure "$client"; done
done
for client in "${clients[@]}"; do
  echo "$client, medians at $in_flight in flight: rate $(median "$work/all.rate.$client") of possible," \
    "$(median "$work/all.cpu.$client") us a fetch," \
    "$(median "$work/all.bytes.$client") bytes resident a fetch in flight"
done
[ "${#clients[@]}" = 1 ] && exit
paste "$work/all.cpu.ours" "$work/all.cpu.go" | awk '{print $1 / $2}' >"$work/ratio"
echo "processor time of a fetch, ours / go, median: $(median "$work/ratio")"
