"""What the live page is tried with: the real daemon, a source that can be stopped, and a proxy that
makes every text of the daemon hostile."""
import http.client
import http.server
import json
import re
import socket
import subprocess
import threading
import time
import urllib.request

from webdriver import eventually


class Quiet(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, content_type, body, fields=()):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Service:
    """An HTTP server in this process that can be stopped and started again on its port."""

    def __init__(self, handler):
        self.handler = handler
        self.port = 0
        self.start()

    def start(self):
        self.server = Server(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def source():
    """Knows every id; the even ones are online; ids from 666000 on are never answered well."""
    class Source(Quiet):
        def do_GET(self):
            number = int(self.path.rsplit("/", 1)[1])
            if 666000 <= number < 667000:
                return self.send(500, "text/plain", b"no")
            body = json.dumps({"id": number, "online": number % 2 == 0}).encode()
            self.send(200, "application/json", body, [("Connection", "close")])
            self.close_connection = True

    return Service(Source)


HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>'


def made_hostile(value, name=""):
    """Every text of an answer, but for those that must stay what they are: times and numbers."""
    if isinstance(value, dict):
        return {key: made_hostile(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [made_hostile(inner, name) for inner in value]
    if not isinstance(value, str) or re.match(r"^\d{4}-\d\d-\d\dT|^-?\d+$", value):
        return value
    return value if name in ("by", "state") else HOSTILE + value


def hostile_proxy(port):
    """Passes on what the daemon on `port` says, with every text made hostile."""
    class Proxy(Quiet):
        def do_GET(self):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", self.path, headers={"Accept": self.headers["Accept"]})
            answer = connection.getresponse()
            body = answer.read()
            if "json" in answer.headers["Content-Type"]:
                changed = made_hostile(json.loads(body))
                if self.path.startswith("/history"):
                    changed["troubles"] = [{"part": HOSTILE, "what": HOSTILE, "next": HOSTILE}]
                body = json.dumps(changed).encode()
            kept = [(name, value) for name, value in answer.getheaders()
                    if name == "Content-Security-Policy"]
            self.send(answer.status, answer.headers["Content-Type"], body, kept)
            connection.close()

    return Service(Proxy)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, program, directory, source_port):
        self.port, self.admin = free_port(), free_port()
        self.directory = directory
        self.command = [program, "--data-dir", directory, "--ttl", "3s",
                        "--listen", f"127.0.0.1:{self.port}",
                        "--admin-listen", f"127.0.0.1:{self.admin}",
                        "--source", f"http://127.0.0.1:{source_port}/objects/{{id}}"]
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        eventually(self.is_ready, what="readiness")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended")
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False

    def get(self, path, accept="*/*"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin}{path}",
                                         headers={"Accept": accept})
        return urllib.request.urlopen(request, timeout=10)

    def status(self):
        with self.get("/status") as answer:
            return json.load(answer)

    def token(self):
        with open(f"{self.directory}/admin-token", encoding="utf-8") as file:
            return file.read().strip()

    def callback(self, ids):
        """The receipt."""
        body = json.dumps({"object_ids": ids}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/callback", data=body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.headers["Postoffice-Receipt"]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Sender:
    """Sends the same ids again and again, so that they do not expire."""

    def __init__(self, daemon, ids, pause=0.1):
        self.daemon, self.ids, self.pause = daemon, ids, pause
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.ended.wait(self.pause):
            try:
                self.daemon.callback(self.ids)
            except OSError:
                time.sleep(self.pause)

    def stop(self):
        self.ended.set()
        self.thread.join()
