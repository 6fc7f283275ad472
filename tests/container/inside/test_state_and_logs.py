"""State and logs are on volumes of their own, owned by the service, and bounded."""

import http.client

import lxd

MIB = 1 << 20
LINE_MAX = 8 << 10


def test_the_service_owns_its_folders(go_id):
    for folder in ("/var/lib/go-id", "/var/log/go-id"):
        assert go_id.text("stat", "-c", "%U", folder) == "go-id"
        assert folder in go_id.text("cat", "/proc/mounts")
    assert go_id.text("stat", "-c", "%U", f"/proc/{go_id.pid()}") == "go-id"


def test_the_log_is_filled(go_id):
    go_id.exec("systemctl", "restart", "go-id")
    go_id.wait_healthy()
    assert "event=ready" in go_id.log()
    assert "event=ready" in go_id.text("journalctl", "--unit=go-id", "--boot", "--no-pager")


def test_the_log_has_a_ceiling(first):
    """Much more is logged than LOG_FILE_MAX, and there are never more than two files of that size."""
    assert first
    limit = 64 << 10
    with lxd.instance("go-id-log", 7102, {"environment.LOG_FILE_MAX": "64K", "environment.SHARD_ID": 10,
                                          "environment.LOG_LEVEL": "debug"}) as made:
        client = http.client.HTTPConnection("localhost", made.port, timeout=lxd.DEADLINE_S)
        for _ in range(5000):  # a line each, of some 80 bytes
            client.request("GET", "/generate?format=text")
            client.getresponse().read()
        client.close()
        sizes = {name: int(size) for name, size in (
            line.split() for line in made.text("sh", "-c", "cd /var/log/go-id && stat -c '%n %s' *").splitlines())}
        assert set(sizes) == {"service.log", "service.log.1"}
        assert all(size <= limit + LINE_MAX for size in sizes.values()), sizes
        assert sizes["service.log.1"] > limit // 2
        assert "event=request" in made.text("sh", "-c", "tail -n 1 /var/log/go-id/service.log.1")


def test_the_journal_is_small(go_id):
    text = go_id.text("journalctl", "--disk-usage")
    assert "take up" in text
    kib = int(go_id.text("du", "-sk", "/var/log/journal").split()[0])
    assert kib * 1024 <= 20 * MIB
