#!/usr/bin/env bash
# caddy 2.6.2: a sender that closes its half after the request gets 200 OK, whatever the backend says.
#
# caddy takes the half-close for a client that is gone, drops the request to the backend, and ends
# with a status that nobody set: 200, empty. It does so even when the backend answered 503. The
# sender believes that its callback was accepted. Senders behind caddy must not half-close (`nc -N`,
# shutdown(SHUT_WR)); an answer of Postoffice to an accepted callback is 202, never 200.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'caddy=2.6.2-*'
back=$(free_port)
front=$(free_port)
answering_server "$back" "$work/log" 'HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno'
printf '{\n admin off\n auto_https off\n}\nhttp://:%s {\n reverse_proxy 127.0.0.1:%s\n}\n' \
  "$front" "$back" >"$work/Caddyfile"
HOME=$work XDG_DATA_HOME=$work XDG_CONFIG_HOME=$work \
  run_server caddy run --config "$work/Caddyfile" --adapter caddyfile 2>"$work/caddy.log"
wait_for_port 127.0.0.1 "$front"
cat >"$work/send.py" <<'PY'
import socket, sys

def status(half_close):
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as connection:
        connection.settimeout(5)
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096).split(b" ")[1].decode()

print("both halves open:", *(status(False) for _ in range(5)))
print("half closed:", *(status(True) for _ in range(5)))
PY
seen=$(python3 "$work/send.py" "$front")
echo "$seen"
grep -q '^both halves open: 503 503 503 503 503$' <<<"$seen" || changed "503 is not handed on"
grep -q '^half closed: .*200' <<<"$seen" || changed "no 200"
