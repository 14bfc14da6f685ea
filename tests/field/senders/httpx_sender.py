# Sends callbacks on one kept-alive connection; writes the median time of an answer in milliseconds.
import statistics
import sys
import time

import httpx

url, count = sys.argv[1], int(sys.argv[2])
with httpx.Client(trust_env=False) as client:
    times = []
    for number in range(count):
        begun = time.monotonic()
        answer = client.post(url, json={"object_ids": [number]})
        times.append(time.monotonic() - begun)
        assert answer.status_code == 202, answer.text
print(statistics.median(times) * 1000)
