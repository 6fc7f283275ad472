"""A real Prometheus that watches real daemons, with the rules that are shipped."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "service"))

import harness  # noqa: E402 (its folder is known from here on)

PATIENCE_S = 120  # for what takes Prometheus a few seconds

CONFIGURATION = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: go-id
    static_configs: [{{targets: {targets}}}]
"""


def pytest_configure():
    if not os.access(harness.GO_ID, os.X_OK) or "GO_ID" not in os.environ:
        pytest.exit("GO_ID must name the daemon to test, for example: "
                    "GO_ID=out/test/go-id python3 -m pytest tests/monitoring", returncode=2)
    for program in ("prometheus", "promtool"):
        if shutil.which(program) is None:
            pytest.exit(f"{program} is missing: scripts/install_packages.sh test", returncode=2)
    harness.DEADLINE_S = PATIENCE_S  # of wait_until()


def listening_port(pid):
    """The TCP port on which a process listens, or None: as the kernel, not as a log has it."""
    sockets = set()
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(entry.path))
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
            return int(fields[1].partition(":")[2], 16)
    return None


class Prometheus:
    def __init__(self, process):
        self.process = process
        self.port = harness.wait_until(lambda: self._port(), "Prometheus to listen")
        harness.wait_until(self._answers, "Prometheus to answer")

    def _port(self):
        assert self.process.poll() is None, "Prometheus has ended"
        return listening_port(self.process.pid)

    def _answers(self):
        try:
            return self.ask("query", query="1") is not None
        except OSError:
            return False

    def ask(self, what, **parameters):
        """The data of an answer of its API; an error is one of urllib's, an OSError."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=PATIENCE_S) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """The samples of an instant query: [(labels, value)]."""
        return [(sample["metric"], float(sample["value"][1]))
                for sample in self.ask("query", query=expression)["result"]]

    def value(self, expression):
        """The value of the one sample, or None."""
        samples = self.query(expression)
        return samples[0][1] if len(samples) == 1 else None


@contextlib.contextmanager
def prometheus(*daemons):
    """Yields a Prometheus that scrapes the daemons every second."""
    targets = json.dumps([f"{host}:{port}" for host, port in (d.address for d in daemons)])
    rules = ROOT / "docs" / "deploy" / "prometheus" / "go-id.rules.yml"
    with tempfile.TemporaryDirectory(prefix="go-id-prometheus-") as name:
        directory = pathlib.Path(name)
        configuration = directory / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(rules=json.dumps(str(rules)),
                                                      targets=targets))
        with open(directory / "log", "wb") as log:
            process = subprocess.Popen(
                ["prometheus", f"--config.file={configuration}",
                 f"--storage.tsdb.path={directory / 'data'}", "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                preexec_fn=lambda: harness.PRCTL(harness.PR_SET_PDEATHSIG, signal.SIGKILL))
        try:
            yield Prometheus(process)
        except BaseException:
            print(f"--- log of Prometheus ---\n{(directory / 'log').read_text()}")
            raise
        finally:
            process.kill()
            process.wait()
