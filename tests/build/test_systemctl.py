"""The systemctl of the container, in front of the real one: which command lines it takes for a start or a restart of
go-id.  What comes of them is for tests/container."""

import re
import subprocess

import pytest

import world as worlds

TEXT = (worlds.PROJECT / "container/files/usr/local/bin/systemctl").read_text()
INTENT = re.search(r"^intent\(\) \{\n.*?^\}\n", TEXT, re.MULTILINE | re.DOTALL)[0]


@pytest.mark.parametrize("intent, lines", [
    ("start", ["start go-id", "start go-id.service", "--no-block start go-id", "reload-or-restart go-id",
               "enable --now go-id", "enable go-id.socket --now", "start --now go-id", "start systemd-networkd go-id"]),
    ("restart", ["restart go-id", "--type service restart go-id", "-t service restart go-id.service",
                 "--property Id try-restart go-id", "-H host restart go-id", "restart --now go-id"]),
    ("", ["", "status go-id", "stop go-id", "is-active go-id", "enable go-id", "restart systemd-journald",
          "daemon-reload", "show --property=Id go-id", "--type service status go-id"]),
])
def test_the_verb_is_found_wherever_it_stands(intent, lines):
    script = INTENT + "".join(f'echo "$(intent {line})"\n' for line in lines)
    said = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == [intent] * len(lines)
