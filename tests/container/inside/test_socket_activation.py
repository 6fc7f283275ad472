"""go-id.socket: systemd listens, so clients wait through a restart instead of being refused."""

import lxd


def test_the_socket_starts_the_service_and_holds_clients(first):
    assert first
    with lxd.instance("go-id-socket", 7107, {"environment.SHARD_ID": 50}) as made:
        made.exec("systemctl", "disable", "--now", "go-id.service")
        made.exec("systemctl", "enable", "--now", "go-id.socket")
        assert made.pid() == 0
        assert made.shard() == 50  # the first request starts it
        assert made.pid() != 0
        before = made.generate()
        made.exec("systemctl", "restart", "--no-block", "go-id.service")
        assert made.generate() > before
        made.restart()
        assert made.shard() == 50
