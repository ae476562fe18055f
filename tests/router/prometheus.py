"""A real Prometheus, for the tests that boot routers."""

import json
import pathlib
import subprocess
import tempfile
import urllib.parse
import urllib.request

from router import free_port


class Prometheus:
    """A Prometheus that scrapes the routers every second."""

    def __init__(self, routers):
        self.port = free_port()
        self.directory = tempfile.TemporaryDirectory(prefix="prometheus.")
        config = pathlib.Path(self.directory.name, "prometheus.yml")
        targets = ", ".join(f"'127.0.0.1:{router.web_port}'" for router in routers)
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: node\n"
            f"    static_configs: [{{targets: [{targets}]}}]\n")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
             f"--storage.tsdb.path={self.directory.name}/data", "--log.level=error"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def up(self, router):
        """Whether the latest scrape of the router succeeded."""
        try:
            result = self.query(f'up{{instance="127.0.0.1:{router.web_port}"}}')
        except OSError:
            return False
        return bool(result) and result[0]["value"][1] == "1"

    def query(self, expression):
        """The series that an expression gives now, as its API has them."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?query={urllib.parse.quote(expression)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]["result"]
