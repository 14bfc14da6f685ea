"""postofficed, on ports and in a directory of its own."""
import json
import os
import time
import urllib.request

from programs import await_port, end, free_port


class Daemon:
    """`arguments`: the command, if it is not run, and options."""

    def __init__(self, bench, name, *arguments):
        self.listen, self.admin = free_port(), free_port()
        directory = bench.programs.directory(name)
        self._process = bench.programs.start(
            [os.path.join(bench.programs.build, "apps/postofficed/postofficed"), *arguments,
             "--listen", "127.0.0.1:%d" % self.listen, "--admin-listen", "127.0.0.1:%d" % self.admin,
             "--store", url_of(bench.conninfo), "--data-dir", directory],
            stderr=open(os.path.join(directory, "log"), "w"))
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

    def stored(self):
        return json.loads(self._page("/status"))["stored"]

    def end(self):
        end(self._process)


def url_of(conninfo):
    parts = dict(part.split("=", 1) for part in conninfo.split())
    return "postgresql://%(user)s@%(host)s:%(port)s/%(dbname)s" % parts


def source_option(port):
    return ["--source", "http://127.0.0.1:%d/objects/{id}" % port]
