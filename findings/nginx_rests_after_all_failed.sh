#!/usr/bin/env bash
# nginx 1.22.1: a backend with two addresses is refused for 10 s after it is back.
#
# One failed connection puts an address to rest for fail_timeout (10 s). If every address of an
# upstream rests, requests get 502 "no live upstreams" at once, without a try, until the time is
# over; with a single address nginx never does that. A name such as localhost that resolves to ::1
# and 127.0.0.1 is two addresses. So a restart of a moment costs ten seconds of callbacks. Set
# `max_fails=0` on each server, or name one address.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'nginx=1.22.1-*'
front=$(free_port)
first=$(free_port)
second=$(free_port)
configure() {  # <options of a server>
  cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/pid; error_log $work/error.log; worker_processes 1;
events {}
http {
  access_log off;
  client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c;
  uwsgi_temp_path $work/d; scgi_temp_path $work/e;
  upstream backend { server 127.0.0.1:$first $1; server 127.0.0.1:$second $1; }
  server { listen 127.0.0.1:$front; location / { proxy_pass http://backend; } }
}
CONF
}
post() { curl -s -o "$work/out" -w '%{http_code}' -d '{}' "http://127.0.0.1:$front/"; }
answer='HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'

# try: sets $refused, how long the backend was refused after it was back
try() {
  configure "$1"
  run_server nginx -c "$work/nginx.conf" -p "$work" 2>/dev/null
  local front_end=$! backends=() began
  wait_for_port 127.0.0.1 "$front"
  for _ in 1 2 3; do [[ $(post) == 502 ]] || changed "a backend that is away is not 502"; done
  answering_server "$first" "$work/log" "$answer"
  backends+=("${servers[-1]}")
  answering_server "$second" "$work/log" "$answer"
  backends+=("${servers[-1]}")
  began=$EPOCHREALTIME
  until [[ $(post) == 202 ]]; do sleep 0.1; done
  refused=$(python3 -c "print(round($EPOCHREALTIME - $began, 1))")
  echo "'$1': refused for $refused s after both addresses were back"
  kill "${backends[@]}" "$front_end"
  wait "${backends[@]}" "$front_end" 2>/dev/null || true
}
try ''
python3 -c "exit(not 7 < $refused < 13)" || changed "refused for $refused s"
try 'max_fails=0'
python3 -c "exit(not $refused < 2)" || changed "with max_fails=0 refused for $refused s"
