"""postofficed, on ports and in a directory of its own."""
import json
import os
import time
import urllib.request

from programs import await_port, end, free_port


class Daemon:
    """`arguments`: the command, if it is not run, and options. Without a PostgreSQL server it stores
    in SQLite."""

    def __init__(self, bench, name, *arguments, core=None):
        self.listen, self.admin = free_port(), free_port()
        directory = bench.programs.directory(name)
        store = ["--store", url_of(bench.conninfo)] if bench.conninfo else []
        self._process = bench.programs.start(
            [os.path.join(bench.programs.build, "apps/postofficed/postofficed"), *arguments,
             "--listen", "127.0.0.1:%d" % self.listen, "--admin-listen", "127.0.0.1:%d" % self.admin,
             *store, "--data-dir", directory],
            core, stderr=open(os.path.join(directory, "log"), "w"))
        self.pid = self._process.pid
        await_port(self.admin)
        while not self._ready():
            time.sleep(0.1)

    def _page(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.admin, path), timeout=5) as answer:
            return answer.read()

    def _ready(self):
        try:
            return self._page("/readyz") is not None
        except OSError:
            return False

    def status(self):
        return json.loads(self._page("/status"))

    def end(self):
        end(self._process)


def url_of(conninfo):
    parts = dict(part.split("=", 1) for part in conninfo.split())
    return "postgresql://%(user)s@%(host)s:%(port)s/%(dbname)s" % parts


def start_source(programs, *options, core=1):
    """postoffice-tester as a source alone; returns the daemon's option that names it."""
    port = free_port()
    programs.start([os.path.join(programs.build, "examples/tester/postoffice-tester"),
                    "--no-sender", "--listen", "127.0.0.1:%d" % port, *options], core)
    await_port(port)
    return source_option(port)


def source_option(port):
    return ["--source", "http://127.0.0.1:%d/objects/{id}" % port]
