"""A headless Chromium, driven over DevTools' pipe: messages of JSON, each with a zero byte behind it."""

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time

PATIENCE = 60  # seconds for anything to happen, on however slow a machine
# It is to talk to the exporter alone, and CI runs it as root.
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
]


class Browser:
    """A running Chromium, with a profile of its own that goes with it."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp()
        to_browser, self.requests = os.pipe()
        self.answers, from_browser = os.pipe()

        def pipe():
            # What is to be 3 or 4 may be the other.
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=pipe, close_fds=False,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.lock = threading.Lock()
        self.next = 0
        self.waiting = {}
        self.pages = {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with os.fdopen(self.answers, "rb") as answers:
            rest = b""
            while piece := answers.read1(1 << 16):
                *messages, rest = (rest + piece).split(b"\0")
                for message in map(json.loads, messages):
                    if "id" in message:
                        self.waiting.pop(message["id"]).put(message)
                    elif page := self.pages.get(message.get("sessionId")):
                        page.happened(message["method"], message["params"])

    def send(self, method, session=None, **parameters):
        """Asks the browser, and returns where it will answer."""
        answer = queue.SimpleQueue()
        with self.lock:
            self.next += 1
            self.waiting[self.next] = answer
            message = {"id": self.next, "method": method, "params": parameters}
            if session:
                message["sessionId"] = session
            os.write(self.requests, json.dumps(message).encode() + b"\0")
        return answer

    def call(self, method, session=None, **parameters):
        """Asks the browser, and returns what it answers."""
        answer = self.send(method, session, **parameters).get(timeout=PATIENCE)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url, scripts=True):
        """Opens a page in a window of its own."""
        page = Page(self, self.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"])
        if not scripts:
            page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.send("Page.navigate", url=url)
        return page

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        shutil.rmtree(self.profile, ignore_errors=True)


class Page:
    """A page in a window, what it asked the network for, and what it complained of.

    What its script asks for waits until the test lets it go, so that no answer comes before the test is done
    with the one before it.
    """

    def __init__(self, browser, target):
        self.browser = browser
        self.target = target
        self.requests = []
        self.complaints = []
        self.held = queue.SimpleQueue()
        self.answered = queue.SimpleQueue()
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Fetch.enable", handleAuthRequests=True)

    def send(self, method, **parameters):
        return self.browser.send(method, self.session, **parameters)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def happened(self, event, parameters):
        if event == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif event in ("Network.loadingFinished", "Network.loadingFailed"):
            self.answered.put(parameters["requestId"])
        elif event == "Fetch.requestPaused" and parameters["resourceType"] != "Document":
            self.held.put(parameters)
        elif event == "Fetch.requestPaused":
            self.send("Fetch.continueRequest", requestId=parameters["requestId"])
        elif event == "Fetch.authRequired":
            # A person who does not know.
            self.send("Fetch.continueWithAuth", requestId=parameters["requestId"],
                      authChallengeResponse={"response": "CancelAuth"})
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["exception"].get("description"))
        elif event == "Runtime.consoleAPICalled":
            self.complaints.append(str(parameters["args"]))
        elif event == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])

    def next(self, status=None, phrase=""):
        """Lets the script's next request go, or answers it with this status, and returns the answer's body."""
        request = self.held.get(timeout=PATIENCE)
        if status:
            self.call("Fetch.fulfillRequest", requestId=request["requestId"],
                      responseCode=status, responsePhrase=phrase)
        else:
            self.call("Fetch.continueRequest", requestId=request["requestId"])
        while (answered := self.answered.get(timeout=PATIENCE)) != request["networkId"]:
            pass
        try:
            return self.call("Network.getResponseBody", requestId=answered)["body"]
        except RuntimeError:  # nobody answered
            return None

    def run(self, script):
        """The value of an expression of JavaScript."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, script, what=None):
        """Waits for an expression to hold, and returns its value."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if value := self.run(script):
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited {PATIENCE} s in vain for {what or script}")

    def look(self, width, scheme):
        """Gives the window the size of a phone's or a screen's, and the person's liking of light or dark."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=800,
                  deviceScaleFactor=2, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self):
        """A PNG of the whole page, in base64."""
        return self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]

    def minimize(self, yes):
        """Hides the window, or shows it again."""
        window = self.browser.call("Browser.getWindowForTarget", targetId=self.target)["windowId"]
        state = "minimized" if yes else "normal"
        self.browser.call("Browser.setWindowBounds", windowId=window, bounds={"windowState": state})

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
