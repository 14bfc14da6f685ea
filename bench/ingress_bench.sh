#!/bin/bash
# Callbacks per second of the ingress, of nginx answering 204 to the same requests, and of the floor
# program, side by side: the servers take turns, and the medians of their ratios are printed. Beside
# each rate stands the processor time of a request, which is less noisy where other work goes on.
#
# Usage: [DURABLE=DIR] ingress_bench.sh DIRECTORY [PAIRS] [SECONDS] [CONNECTIONS]
#   With DURABLE, callbacks go to a file queue in a new directory below DIR, and 202 means synced.
#   DIRECTORY holds bench_ingress_server and bench_floor_epoll. OURS=host:port measures a server
#   that runs already (the daemon, say) in place of bench_ingress_server; OURS_PID is its process.
# Needs wrk and nginx. Servers run on the first processor, wrk on the second.
set -euo pipefail
programs=$(realpath "$1")
pairs=${2:-5}
seconds=${3:-4}
connections=${4:-256}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work" "${queue[1]:-$work}"
}
trap cleanup EXIT

free_port() {
  local port
  while port=$((RANDOM % 20000 + 10000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

start() {  # pins a server to the first processor
  taskset -c 0 "$@" &
  pids+=($!)
}

nginx_port=$(free_port)
floor_port=$(free_port)
cat >"$work/nginx.conf" <<CONF
worker_processes 1;
daemon off;
master_process off;
pid $work/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
  server { listen 127.0.0.1:$nginx_port; location /callback { return 204; } }
}
CONF
start nginx -c "$work/nginx.conf" -e stderr
nginx_pid=$!
start "$programs/bench_floor_epoll" "$floor_port"
floor_pid=$!
ours=${OURS:-127.0.0.1:$(free_port)}
queue=()
[ -z "${DURABLE:-}" ] || queue=(1 "$(mktemp -d "$DURABLE/queue.XXXXXX")")
[ -n "${OURS:-}" ] || start "$programs/bench_ingress_server" "$ours" "${queue[@]}"
ours_pid=${OURS_PID:-$!}
sleep 0.5

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# Prints requests per second and microseconds of processor time per request.
measure() {
  local address=$1 pid=$2 before after
  before=$(cpu_ticks "$pid")
  taskset -c 1 wrk -t1 -c"$connections" -d"${seconds}s" -s "$here/callback.lua" \
    "http://$address/callback" >"$work/wrk"
  after=$(cpu_ticks "$pid")
  grep -E "Non-2xx|Socket errors" "$work/wrk" >&2 || true
  awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" '
    / requests in / {requests = $1}
    /Requests\/sec/ {printf "%.0f %.2f", $2, ticks / hertz * 1e6 / requests}' "$work/wrk"
}

median() {
  sort -n | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'
}

for ((i = 1; i <= pairs; i++)); do
  read -r o o_cpu < <(measure "$ours" "$ours_pid"; echo)
  read -r n n_cpu < <(measure "127.0.0.1:$nginx_port" "$nginx_pid"; echo)
  read -r f f_cpu < <(measure "127.0.0.1:$floor_port" "$floor_pid"; echo)
  printf '%2d  ours %7s/s %6s us  nginx %7s/s %6s us  floor %7s/s %6s us\n' \
    "$i" "$o" "$o_cpu" "$n" "$n_cpu" "$f" "$f_cpu"
  awk -v a="$o" -v b="$n" 'BEGIN {print a / b}' >>"$work/nginx_rate"
  awk -v a="$n_cpu" -v b="$o_cpu" 'BEGIN {print a / b}' >>"$work/nginx_cpu"
  awk -v a="$o" -v b="$f" 'BEGIN {print a / b}' >>"$work/floor_rate"
  awk -v a="$f_cpu" -v b="$o_cpu" 'BEGIN {print a / b}' >>"$work/floor_cpu"
done
for peer in nginx floor; do
  echo "ours against $peer, medians: rate $(median <"$work/${peer}_rate")," \
    "by processor time $(median <"$work/${peer}_cpu")"
done
