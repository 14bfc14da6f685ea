"""A WSGI application for gunicorn: every object is online, after a moment."""
import time


def app(environ, start_response):
    time.sleep(0.005)
    body = b'{"id":%s,"online":true}' % environ["PATH_INFO"].rsplit("/", 1)[1].encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
