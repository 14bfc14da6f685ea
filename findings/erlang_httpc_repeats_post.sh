#!/usr/bin/env bash
# Erlang/OTP 25.2.3, inets' httpc: a POST that is answered with 503 and Retry-After is sent again and
# again, for ever, and its own time limit does not end it.
#
# httpc waits as long as Retry-After says and repeats the request inside httpc:request/4, whatever
# the method. Each repetition begins the time limit anew, so with `Retry-After: 1` and a limit of
# 3 s the call does not return. Without the field the 503 is returned at once. A server that sheds
# load with Retry-After meets the same callback once a second from each such sender, until it takes
# it; senders that think of "once" should be told.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'erlang-base=1:25.2.3*' 'erlang-inets=1:25.2.3*'
export ROOTDIR=$work/unpacked/usr/lib/erlang
export BINDIR EMU=beam PROGNAME=erl; BINDIR=$(echo "$ROOTDIR"/erts-*/bin)
post() {  # <port>
  cp -n "$ROOTDIR"/releases/*/start_clean.boot "$ROOTDIR/bin/" 2>/dev/null || true
  timeout 9 "$BINDIR/erlexec" -noshell -boot "$ROOTDIR/bin/start_clean" -eval "
    inets:start(),
    R = httpc:request(post, {\"http://127.0.0.1:$1/\", [], \"application/json\", \"{}\"},
                      [{timeout, 3000}], []),
    io:format(\"~p~n\", [element(1, R)]), halt()."
}
port=$(free_port)
answering_server "$port" "$work/with" \
  'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno'
code=0
post "$port" || code=$?
times=$(wc -l <"$work/with")
echo "with Retry-After: $times requests in 9 s, a limit of 3 s, exit $code (124: it did not return)"
((times >= 5 && code == 124)) || changed "$times requests, exit $code"
port=$(free_port)
answering_server "$port" "$work/without" 'HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno'
code=0
post "$port" || code=$?
echo "without: $(wc -l <"$work/without") request(s), exit $code"
[[ $(wc -l <"$work/without") == 1 && $code == 0 ]] || changed "without the field it repeats, too"
