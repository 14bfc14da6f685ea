#!/usr/bin/env bash
# curl 7.88.1: `--retry 3 -o /dev/null` never retries once an answer had a body.
#
# Before a retry curl empties the output file. /dev/null cannot be truncated, so instead of waiting
# and sending again it ends with exit code 23, after one request. With any other output file, or
# without -o, it retries. For a sender: `curl --retry 3 -sSo /dev/null -d … http://…/callback` gives
# up on the first 503, though the same line without -o does not.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'curl=7.88.1-*' 'libcurl4=7.88.1-*'
port=$(free_port)
answering_server "$port" "$work/log" \
  'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno'

requests() { wc -l <"$work/log"; }
code=0
curl -sS --retry 2 -o /dev/null -d '{}' "http://127.0.0.1:$port/" || code=$?
first=$(requests)
echo "-o /dev/null: exit $code after $first request(s)"
[[ $code == 23 && $first == 1 ]] || changed "exit $code, $first requests"
code=0
curl -sS --retry 2 -o "$work/out" -d '{}' "http://127.0.0.1:$port/" || code=$?
echo "-o FILE: exit $code after $(($(requests) - first)) request(s)"
[[ $code == 0 && $(requests) == 4 ]] || changed "a file: exit $code, $(requests) requests in all"
