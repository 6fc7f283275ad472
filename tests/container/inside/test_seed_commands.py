"""What the README of the service that came before told its users to type, word for word."""

import json
import subprocess
import time

import lxd


def test_the_default_start_ends_with_a_line_to_copy(built):
    line = built.strip().splitlines()[-1].strip()
    assert line == "curl http://localhost:7001/generate"
    assert json.loads(lxd.sh(line).stdout)["id"] > 0


def test_generate(go_id):
    answer = json.loads(lxd.sh("curl http://localhost:7001/generate").stdout)
    assert set(answer) == {"id", "timestamp"}
    assert abs(answer["timestamp"] - time.time()) < 3600
    assert answer["id"] & 0xFFFF == 1
    assert go_id.generate() > answer["id"]


def test_health(go_id):
    assert go_id.port == 7001
    assert lxd.sh("curl http://localhost:7001/health").stdout == "OK"


def test_status(go_id):
    said = lxd.sh("lxc exec go-id-v1 -- systemctl status go-id").stdout
    assert "active (running)" in said and "enabled" in said and str(go_id.pid()) in said


def test_a_start_of_what_runs_does_nothing(go_id):
    pid = go_id.pid()
    lxd.sh("lxc exec go-id-v1 -- systemctl start go-id")
    assert go_id.pid() == pid


def test_the_log_can_be_followed(go_id):
    with subprocess.Popen(["bash", "-c", "exec lxc exec go-id-v1 -- tail -f /var/log/go-id/service.log"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as follower:
        try:
            assert "event=" in follower.stdout.readline()
            go_id.exec("systemctl", "restart", "go-id")
            # The line is looked for, not counted on: what else is said is none of this test's business.
            for line in follower.stdout:
                if "event=ready" in line:
                    break
            else:
                raise AssertionError("the log ended")
        finally:
            follower.kill()


def test_stop_and_start(go_id):
    before = go_id.generate()
    lxd.sh("lxc stop go-id-v1")
    assert lxd.query("/1.0/instances/go-id-v1")["status"] == "Stopped"
    lxd.sh("lxc start go-id-v1")
    go_id.wait_healthy()
    assert go_id.generate() > before
