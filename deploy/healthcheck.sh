#!/bin/bash
# Requests a page of the daemon's admin listener; succeeds if the answer is 200. The image needs no
# curl for this.
#   healthcheck.sh [/livez|/readyz|/healthz]
set -u
page=${1:-/livez}
port=${POSTOFFICE_ADMIN_LISTEN:-localhost:9091}
port=${port##*:}
exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$page" >&3
read -r -t 2 _ status _ <&3 || exit 1
[[ $status == 200 ]]
