"""A headless Chromium that tests drive as a user would, through its pipe for debuggers."""

import base64
import json
import os
import select
import shlex
import subprocess
import time
from pathlib import Path

_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
_QUIET = ("--no-first-run", "--disable-extensions", "--disable-background-networking")
_PATIENCE = 60  # seconds for an answer
# Events of the console: what a page says or does wrong, and what it fails to load.
_COMPLAINTS = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
_LOST = "Network.loadingFailed"


class Browser:
    """One window; use it in a `with` statement.

    Args:
        folder: for its profile.

    Attributes:
        complaints: of the open page: the console's messages and errors, failed requests.
        requests: addresses that it asked for.
    """

    def __init__(self, folder):
        self.folder, self.complaints, self.requests = Path(folder), [], []
        self._number, self._rest, self._session = 0, b"", None
        self._events = []

    def __enter__(self):
        to_it, self._write = os.pipe()
        self._read, from_it = os.pipe()
        words = ["chromium", *_FLAGS, *_QUIET, f"--user-data-dir={self.folder}", "about:blank"]
        # The debugger's pipe must be descriptors 3 and 4.
        line = f"exec {shlex.join(words)} 3<&{to_it} 4>&{from_it}"
        self._process = subprocess.Popen(
            ["bash", "-c", line],
            pass_fds=(to_it, from_it),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_it)
        os.close(from_it)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self._write)  # it ends when the pipe does
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def call(self, method, **parameters):
        """The result of a command of the DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self._note(answer)

    def open(self, path, width=1280, height=900, dark=False, touch=False):
        """Show a file in a window of a size; returns when it is loaded and drawn."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        # What the last page was still loading is cut off now: no complaint of the next one.
        self.call("Page.navigate", url="about:blank")
        self.wait_for("document.readyState === 'complete' && location.protocol === 'about:'")
        self.complaints.clear()
        self.requests.clear()
        self.call("Page.navigate", url=Path(path).resolve().as_uri())
        self.wait_for("document.readyState === 'complete' && location.protocol === 'file:'")

    def wait_for(self, expression):
        """Wait until an expression of JavaScript is true."""
        end = time.monotonic() + _PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def value(self, expression):
        """The value of an expression of JavaScript; promises are awaited."""
        options = {"returnByValue": True, "awaitPromise": True}
        found = self.call("Runtime.evaluate", expression=expression, **options)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def drag(self, start, end):
        """Move the pressed mouse between two places (x, y) of the window."""
        mouse = {"button": "left", "buttons": 1, "clickCount": 1}
        self._mouse("mousePressed", start, **mouse)
        middle = tuple((a + b) / 2 for a, b in zip(start, end))
        for place in (middle, end):
            self._mouse("mouseMoved", place, button="left", buttons=1)
        self._mouse("mouseReleased", end, button="left", clickCount=1)

    def wheel(self, place, amount):
        """Turn the wheel over a place."""
        self._mouse("mouseWheel", place, deltaX=0, deltaY=amount)

    def swipe(self, starts, ends):
        """Move fingers from places to others."""
        for kind, places in (("Start", starts), ("Move", ends), ("End", [])):
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            self.call("Input.dispatchTouchEvent", type=f"touch{kind}", touchPoints=points)

    def key(self, name):
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name)

    def screenshot(self, path):
        """Write what the whole page looks like as a PNG."""
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def _mouse(self, kind, place, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **more)

    def _note(self, event):
        method, details = event.get("method"), event.get("params", {})
        if method in _COMPLAINTS:
            self.complaints.append(json.dumps(details)[:500])
        elif method == _LOST:
            self.complaints.append(f"not loaded: {details.get('errorText')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])

    def _next(self):
        """The next message."""
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._rest:
            left = end - time.monotonic()
            ready = left > 0 and select.select([self._read], [], [], left)[0]
            assert ready, "chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, f"chromium ended with {self._process.poll()}; is it installed?"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)
