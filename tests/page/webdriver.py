"""A headless Chromium, driven through chromedriver with the standard library alone."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


class BrowserError(Exception):
    pass


def missing():
    """Why no browser can be driven here; None: one can."""
    for program in ("chromedriver", "chromium"):
        if not shutil.which(program):
            return f"there is no {program}"
    return None


class Browser:
    """One session; use it as a context manager."""

    def __init__(self, width=1280, height=900, scale=1, dark=False):
        self.directory = tempfile.mkdtemp(prefix="postoffice-browser-")
        self.log = open(os.path.join(self.directory, "chromedriver.log"), "w+", encoding="utf-8")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=self.log, stderr=subprocess.STDOUT)
        self.base = f"http://127.0.0.1:{self.wait_for_port()}"
        arguments = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update",
                     "--disable-sync", "--hide-scrollbars", "--no-proxy-server",
                     f"--window-size={width},{height}",
                     f"--user-data-dir={self.directory}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        wanted = {"browserName": "chrome",
                  "goog:chromeOptions": {"args": arguments},
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += "/session/" + answer["sessionId"]
        self.resize(width, height, scale)
        self.prefer("dark" if dark else "light")

    def wait_for_port(self):
        """chromedriver says which one it took."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            self.log.seek(0)
            for line in self.log.read().splitlines():
                if "started successfully on port" in line:
                    return int(line.rstrip(".").split()[-1])
            if self.driver.poll() is not None:
                break
            time.sleep(0.02)
        raise BrowserError("chromedriver did not start")

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise BrowserError(value["message"]) from None

    def devtools(self, command, parameters=None):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters or {}})

    def resize(self, width, height, scale=1):
        self.devtools("Emulation.setDeviceMetricsOverride",
                      {"width": width, "height": height, "deviceScaleFactor": scale,
                       "mobile": width < 600})

    def prefer(self, scheme):
        self.devtools("Emulation.setEmulatedMedia",
                      {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def open(self, address):
        self.call("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        """The value of a JavaScript function's body."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0])?.textContent", selector)

    def press(self, selector):
        """As a person does: the element must be there, visible and enabled. The page may put another
        in its place between two looks."""
        for again in (True, True, False):
            found = self.call("POST", "/element", {"using": "css selector", "value": selector})
            try:
                return self.call("POST", f"/element/{next(iter(found.values()))}/click")
            except BrowserError as error:
                if not again or "stale element" not in str(error):
                    raise

    def write(self, selector, text):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        element = next(iter(found.values()))
        self.call("POST", f"/element/{element}/clear")
        self.call("POST", f"/element/{element}/value", {"text": text})

    def console(self):
        """What was written to the console since the last call."""
        return [(entry["level"], entry["message"])
                for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """The addresses of the requests since the last call."""
        found = []
        for entry in self.call("POST", "/se/log", {"type": "performance"}):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                if not event["params"]["documentURL"].startswith("chrome:"):  # its first, own tab
                    found.append(event["params"]["request"]["url"])
        return found

    def screenshot(self, path=None, whole=True):
        shot = base64.b64decode(self.devtools(
            "Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})["data"])
        if path:
            with open(path, "wb") as file:
                file.write(shot)
        return shot

    def close(self):
        try:
            self.call("DELETE", "")
        except (BrowserError, OSError):
            pass
        self.driver.terminate()
        self.driver.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def eventually(condition, patience=20.0, what="the condition"):
    """The first true value of `condition()`."""
    until = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come true within {patience} s")
        time.sleep(0.05)
