#!/usr/bin/env bash
# httpx 0.23.3 (httpcore 0.16.3): every POST but the first on a kept connection takes 40 ms more.
#
# Head and body leave in two writes, without TCP_NODELAY: the body waits until the head is
# acknowledged, and the server's kernel delays that by 40 ms, since the server has nothing to say
# yet. On a new connection the kernel acknowledges at once, so the first POST, and a client that
# opens a connection for each, are quick. A server can help itself with TCP_QUICKACK after a read
# that ends inside a request; Postoffice does.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
debian 'python3-httpx=0.23.3-*' 'python3-httpcore=0.16.3-*' 'python3-h11=0.14.0-*' \
  'python3-anyio=3.6.2-*' 'python3-sniffio=1.2.0-*' 'python3-rfc3986=1.5.0-*' \
  'python3-certifi=2022*' 'python3-idna=3.3-*'
cat >"$work/post.py" <<'PY'
import statistics, sys, time
import httpx

def median(client_for_each, calls=20):
    times, client = [], httpx.Client()
    for _ in range(calls):
        if client_for_each:
            client = httpx.Client()
        began = time.monotonic()
        client.post(sys.argv[1], json={"object_ids": [1]})
        times.append((time.monotonic() - began) * 1000)
    return statistics.median(times[1:])

kept, new = median(False), median(True)
print(f"httpx {httpx.__version__}: median of a POST {kept:.1f} ms on a kept connection, {new:.1f} ms on new ones")
sys.exit(0 if kept > 35 and new < 20 else 1)
PY
port=$(free_port)
answering_server "$port" "$work/log" 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n'
PYTHONPATH=$work/unpacked/usr/lib/python3/dist-packages /usr/bin/python3 "$work/post.py" "http://127.0.0.1:$port/" ||
  changed "no delay"
