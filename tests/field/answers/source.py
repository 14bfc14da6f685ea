"""A source on Python's own http.server, in one of the ways that such servers have.

    source.py PORT http10 | single | closing | limited
"""
import http.server
import sys
import threading

how = sys.argv[2]
count = 0
count_lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0" if how == "http10" else "HTTP/1.1"
    answered = 0

    def do_GET(self):
        global count
        number = self.path.rsplit("/", 1)[1]
        with count_lock:
            count += number != "count"
            body = b"%d" % count
        if number != "count":
            body = b'{"id": %s, "online": true}' % number.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.answered += 1
        # Closed without a word about it in the answer.
        if how == "closing" or how == "limited" and self.answered == 5:
            self.close_connection = True

    def log_message(self, *_):
        pass


kind = http.server.HTTPServer if how in ("http10", "single") else http.server.ThreadingHTTPServer
kind(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
