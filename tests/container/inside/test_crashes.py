"""go-id dies, hangs, or its container goes down: systemd brings it back, and no id comes twice."""

import json
import threading

import lxd


class Customer(threading.Thread):
    """Takes ids through the host's port all the while, as fast as they come."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.ids = []
        self.stopping = False

    def run(self):
        while not self.stopping:
            status, body = lxd.get(self.port, "/generate?count=100")
            if status == 200:
                self.ids += json.loads(body)["ids"]

    def __enter__(self):
        self.start()
        lxd.wait_until(lambda: self.ids, "the first ids")
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.join(lxd.DEADLINE_S)
        assert not self.is_alive()

    def wait_for_more(self):
        so_far = len(self.ids)
        lxd.wait_until(lambda: len(self.ids) > so_far, "more ids")

    def check(self):
        assert all(earlier < later for earlier, later in zip(self.ids, self.ids[1:]))


def test_a_killed_daemon_comes_back(go_id):
    with Customer(go_id.port) as customer:
        for _ in range(5):
            pid = go_id.pid()
            go_id.exec("kill", "-9", pid)
            lxd.wait_until(lambda gone=pid: go_id.pid() not in (0, gone), "another process")
            go_id.wait_healthy()
            customer.wait_for_more()
    customer.check()


def test_a_daemon_that_hangs_is_replaced(go_id):
    """It is stopped for good; the watchdog is for that.  Its 30 s are 10 s here, until the next boot."""
    go_id.exec("sh", "-c", "mkdir -p /run/systemd/system/go-id.service.d && cd /run/systemd/system/go-id.service.d "
               "&& printf '[Service]\\nWatchdogSec=10s\\n' >watchdog.conf && systemctl daemon-reload")
    go_id.exec("systemctl", "restart", "go-id")
    go_id.wait_healthy()
    before = go_id.generate()
    pid = go_id.pid()
    go_id.exec("systemctl", "kill", "--signal=STOP", "go-id")
    lxd.wait_until(lambda: go_id.pid() not in (0, pid), "another process")
    go_id.wait_healthy()
    assert go_id.generate() > before
    assert "watchdog" in go_id.text("journalctl", "--unit=go-id", "--boot", "--no-pager").lower()


def test_a_reboot_from_inside_and_from_outside(go_id):
    with Customer(go_id.port) as customer:
        for reboot in (lambda: lxd.lxc("restart", go_id.name), lambda: go_id.exec("reboot", check=False)):
            boot = go_id.state()["pid"]
            reboot()
            lxd.wait_until(lambda before=boot: go_id.state()["pid"] not in (0, -1, before), "another boot")
            go_id.wait_booted()
            go_id.wait_healthy()
            customer.wait_for_more()
    customer.check()


def test_a_container_that_is_killed(go_id):
    with Customer(go_id.port) as customer:
        lxd.lxc("stop", "--force", go_id.name)
        go_id.start()
        go_id.wait_healthy()
        customer.wait_for_more()
    customer.check()
