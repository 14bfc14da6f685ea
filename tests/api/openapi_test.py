#!/usr/bin/env python3
"""Checks docs/openapi.yaml against the real daemon: every path and status in it is tried, every answer
is as the file says (status, content type, headers, body), and every page of the daemon is in it.

usage: openapi_test.py ROOT POSTOFFICED [BROKER]
BROKER: the daemon knows brokers, so serve and worker are tried, too.
Exit 77: PyYAML or jsonschema is not installed (Debian: python3-yaml, python3-jsonschema).
"""
import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

ROOT, DAEMON = sys.argv[1], sys.argv[2]
BROKER = sys.argv[3:] == ["BROKER"]
AWAY = "postgresql://user@127.0.0.1:1/db"
BIG = 9_007_199_254_740_993  # one that a double does not hold


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver is what Debian 12 has
API = yaml.safe_load(text_of("docs/openapi.yaml"))
RESOLVER = jsonschema.RefResolver("", API)
METHODS = ("get", "post")
# Pages that another part of the daemon may not have yet. What is served is tried all the same.
MAY_BE_MISSING = {"/history", "/instances"}


def resolved(node):
    return RESOLVER.resolve(node["$ref"])[1] if "$ref" in node else node


def operations():
    for path, item in API["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


class Source(http.server.BaseHTTPRequestHandler):
    """Knows ids below 100; fails for those above."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        id_text = self.path.rsplit("/", 1)[1]
        known = id_text == str(BIG) or int(id_text) < 100
        body = json.dumps({"id": int(id_text), "online": True}).encode() if known else b"no"
        self.send_response(200 if known else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("this did not become true within 30 s")
        time.sleep(0.02)


class Daemon:
    def __init__(self, directory, *arguments):
        self.data = os.path.join(directory, "data")
        os.makedirs(self.data, exist_ok=True)
        command = [DAEMON, *arguments, "--data-dir", self.data, "--listen", "127.0.0.1:0",
                   "--admin-listen", "127.0.0.1:0"]
        self.log = open(os.path.join(directory, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stderr=self.log)
        eventually(lambda: self.process.poll() is not None or self.address() is not None)
        assert self.process.poll() is None, self.said()
        self.admin = self.port_of("admin pages")

    def said(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def address(self):
        said = self.said()
        return said if " ready" in said or "started, not ready" in said else None

    def port_of(self, what):
        found = re.search(what + r" on http://127\.0\.0\.1:(\d+)/", self.said())
        return int(found.group(1)) if found else None

    def token(self):
        with open(os.path.join(self.data, "admin-token"), encoding="utf-8") as file:
            return file.read().strip()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Api(unittest.TestCase):
    tried = set()

    @classmethod
    def setUpClass(cls):
        cls.directories = [tempfile.TemporaryDirectory() for _ in range(5)]
        places = iter(directory.name for directory in cls.directories)
        cls.source = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
        threading.Thread(target=cls.source.serve_forever, daemon=True).start()
        source = f"http://127.0.0.1:{cls.source.server_address[1]}/{{id}}"
        cls.daemons = []

        def start(*arguments):
            cls.daemons.append(Daemon(next(places), *arguments))
            return cls.daemons[-1]

        cls.well = start("--source", source, "--ttl", "2s", "--public-health")
        cls.storeless = start("--store", AWAY)
        token_file = os.path.join(cls.directories[1].name, "token")
        with open(token_file, "w", encoding="utf-8") as file:
            file.write("the-token-of-this-test")
        cls.closed = start("--admin-token-file", token_file)
        if BROKER:
            away = ("--store", AWAY, "--queue", "amqp://127.0.0.1:1/")
            cls.serve = start("serve", *away)
            cls.worker = start("worker", *away)

    @classmethod
    def tearDownClass(cls):
        for daemon in cls.daemons:
            daemon.end()
        cls.source.shutdown()
        for directory in cls.directories:
            directory.cleanup()

    def check(self, method, template, status, headers, body):
        """The answer is one that the file has for this operation."""
        operation = API["paths"][template][method]
        self.assertIn(str(status), operation["responses"], (method, template, body))
        response = resolved(operation["responses"][str(status)])
        for name, header in response.get("headers", {}).items():
            value = headers.get(name)
            self.assertIsNotNone(value, (method, template, status, name))
            self.validate(value, resolved(header)["schema"])
        content = response.get("content", {})
        kind = (headers.get("Content-Type") or "").split(";")[0]
        self.assertTrue(kind in content if content else body == b"", (template, status, kind))
        schema = content.get(kind, {}).get("schema")
        if schema:
            self.validate(json.loads(body), schema)
        self.tried.add((method, template, str(status)))

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=RESOLVER).validate(value)

    def ask(self, port, method, template, status, target=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method.upper(), target or template, body, fields)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.assertEqual(answer.status, status, (method, target or template, content))
        self.check(method, template, status, answer.headers, content)
        return content

    def get(self, daemon, template, status=200, target=None, **headers):
        return self.ask(daemon.admin, "get", template, status, target, **headers)

    def json_of(self, *arguments, **headers):
        return json.loads(self.get(*arguments, **headers))

    def post(self, daemon, template, status, body, token=None):
        token = daemon.token() if token is None else token
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.ask(daemon.admin, "post", template, status, None, text,
                          Authorization=f"Bearer {token}")
        return json.loads(answer)

    def raw(self, request, status, half=False):
        """A callback that no client library sends."""
        with socket.create_connection(("127.0.0.1", self.well.port_of("callbacks"))) as peer:
            peer.settimeout(30)
            peer.sendall(request)
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            self.assertEqual(answer.status, status)
            self.check("post", "/callback", status, answer.headers, answer.read())

    def served(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.well.admin, timeout=30)
        connection.request("GET", path)
        missing = b"there is no page" in connection.getresponse().read()
        connection.close()
        return not missing

    def test_1_callbacks(self):
        late = threading.Thread(target=self.raw, args=(b"POST /callback HTTP/1.1\r\nHos", 408))
        late.start()
        port = self.well.port_of("callbacks")

        def send(status, body, port=port, **headers):
            return self.ask(port, "post", "/callback", status, None, body, **headers)

        send(202, json.dumps({"object_ids": [1, 2, BIG], "more": 1}))
        send(202, '{"object_ids":[]}')
        for bad in ("", "{", "{}", '{"object_ids":[1.5]}', '{"object_ids":[]} x'):
            send(400, bad)
        send(413, json.dumps({"object_ids": list(range(10_001))}))
        send(415, "x", Content_Encoding="gzip")
        send(417, "x", Expect="miracles")
        self.raw(b"POST /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414)
        self.raw(b"POST /callback HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431)
        if BROKER:
            send(503, '{"object_ids":[1]}', port=self.serve.port_of("callbacks"))
        self.ask(port, "get", "/readyz", 200)
        late.join()
        self.assertIn(("post", "/callback", "408"), self.tried)

    def test_2_pages(self):
        well = self.well
        for page in ("/", "/livez", "/readyz", "/healthz", "/version", "/status", "/metrics"):
            self.get(well, page)
        self.get(well, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
        for page in MAY_BE_MISSING:
            if self.served(page):
                self.get(well, page, 404 if page == "/instances" else 200)
        if self.served("/history"):
            self.get(well, "/history", 200, "/history?by=minute&after=0")
            self.get(well, "/history", 400, "/history?by=year")
        eventually(lambda: self.health() == 503)
        self.get(self.storeless, "/healthz", 503)
        if BROKER:
            self.get(self.serve, "/readyz", 503)

    def health(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.storeless.admin, timeout=30)
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
        connection.close()
        return status

    def test_3_objects_and_receipts(self):
        well = self.well
        answer = http.client.HTTPConnection("127.0.0.1", well.port_of("callbacks"), timeout=30)
        answer.request("POST", "/callback", json.dumps({"object_ids": [1, 2, BIG]}))
        receipt = answer.getresponse().headers["Postoffice-Receipt"]
        answer.close()
        page = "/receipts/{receipt}"
        self.get(well, page, 404, "/receipts/x")
        eventually(lambda: self.json_of(well, page, 200, "/receipts/" + receipt)["status"] ==
                   "applied")
        eventually(lambda: len(self.json_of(well, "/objects")["objects"]) == 3)
        rows = self.json_of(well, "/objects", 200, "/objects?online=true&limit=2&after=1")
        self.assertEqual([row["id_text"] for row in rows["objects"]], ["2", str(BIG)])
        self.assertEqual([row["id"] for row in rows["objects"]], [2, str(BIG)])
        self.assertEqual(self.json_of(well, "/objects", 200, "/objects?limit=1")["next"], 1)
        self.get(well, "/objects", 400, "/objects?onlin=true")
        self.get(well, "/objects/{id}", 200, "/objects/1")
        self.get(well, "/objects/{id}", 200, f"/objects/{BIG}")
        self.get(well, "/objects/{id}", 404, "/objects/99")
        self.get(well, "/objects/{id}", 400, "/objects/x")
        self.get(self.storeless, "/objects", 503)
        self.get(self.storeless, "/objects/{id}", 503, "/objects/1")

    def test_4_dead_letters(self):
        well = self.well
        port = well.port_of("callbacks")
        self.ask(port, "post", "/callback", 202, None, '{"object_ids":[101,102,103]}')
        eventually(lambda: len(self.json_of(well, "/dead-letters")["dead_letters"]) == 3)
        page = self.json_of(well, "/dead-letters", 200,
                            "/dead-letters?reason=500&since=1h&id=101,102&limit=1")
        self.assertEqual((len(page["dead_letters"]), page["next"], page["next_text"]),
                         (1, 101, "101"))
        self.get(well, "/dead-letters", 400, "/dead-letters?sice=1h")
        replay, drop = "/dead-letters/replay", "/dead-letters/drop"
        before = self.json_of(well, "/status")["accepted_ids"]
        done = self.post(well, replay, 200, {"reason": "HTTP 500", "since_seconds": 3600})
        self.assertEqual((done["matched"], done["done"], done["next"]), (3, 3, None))
        eventually(lambda: self.json_of(well, "/status")["accepted_ids"] == before + 3)
        step = self.post(well, drop, 200, {"all": True, "limit": 2, "dry_run": True})
        self.assertEqual((step["matched"], step["done"], step["next_text"]), (2, 0, "102"))
        done = self.post(well, drop, 200, {"ids": [101, "102", 7]})
        self.assertEqual(done["done"], 2)
        for change in (replay, drop):
            for bad in ("{}", "x", '{"ids":1}'):
                self.post(well, change, 400, bad)
            self.post(well, change, 401, {"all": True}, token="wrong")
            self.post(self.storeless, change, 503, {"all": True})
        self.get(self.storeless, "/dead-letters", 503)
        if BROKER:
            self.post(self.worker, replay, 409, {"all": True})

    def test_5_who_may_ask(self):
        for method, template, operation in operations():
            if template == "/callback" or (template in MAY_BE_MISSING and not self.served(template)):
                continue
            target = template.replace("{id}", "1").replace("{receipt}", "x")
            with self.subTest(operation=(method, template)):
                body = "{}" if method == "post" else None
                for status, headers in ((403, {"Origin": "http://evil.example"}),
                                        (421, {"Host": "evil.example"})):
                    self.ask(self.well.admin, method, template, status, target, body, **headers)
                if operation.get("security") == []:
                    self.ask(self.closed.admin, method, template, 200, target, body)
                else:
                    self.ask(self.closed.admin, method, template, 401, target, body)
        headers = {"Authorization": "Bearer the-token-of-this-test"}
        self.get(self.closed, "/objects", **headers)

    def test_6_nothing_is_left_out(self):
        pages = re.findall(r'^    \{"(/[^"]*)", \w+', text_of("apps/postofficed/admin/pages.cpp"),
                           re.MULTILINE)
        self.assertIn("/objects/", pages)
        known = {path.split("{")[0] for path in API["paths"]}
        self.assertEqual([page for page in pages if page not in known], [])
        wanted = {(method, path, status) for method, path, operation in operations()
                  for status in operation["responses"]}
        if not BROKER:
            wanted -= {("post", "/callback", "503"), ("get", "/readyz", "503"),
                       ("post", "/dead-letters/replay", "409")}
        # Its database would have to be there.
        wanted -= {("get", "/instances", "200"), ("get", "/instances", "503")}
        wanted = {one for one in wanted if one[1] not in MAY_BE_MISSING or self.served(one[1])}
        self.assertEqual(sorted(wanted - self.tried), [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
