"""A source as frameworks make them: each answer takes a worker DELAY_MS, at most DELAY_MAX_MS."""
import json
import os
import random
import time

SHORTEST = int(os.environ["DELAY_MS"]) / 1000
LONGEST = int(os.environ.get("DELAY_MAX_MS", os.environ["DELAY_MS"])) / 1000


def app(environ, start_response):
    object_id = int(environ["PATH_INFO"].rsplit("/", 1)[1])
    time.sleep(random.uniform(SHORTEST, LONGEST))
    body = json.dumps({"id": object_id, "online": True}).encode()
    start_response("200 OK", [("Content-Type", "application/json"),
                              ("Content-Length", str(len(body)))])
    return [body]
