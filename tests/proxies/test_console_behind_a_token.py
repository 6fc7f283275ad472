"""The console of a service with tokens, behind nginx as docs/security.md has it."""

import base64
import http.client
import pathlib
import signal
import subprocess
import tempfile

import documents
import harness
import http_client
from front import HOST

TOKEN = "a-token-of-the-test-0123456789"
PORT = 8080

REST = """\
daemon off;
pid {directory}/pid;
events {{}}
http {{
    access_log off;
    server {{
        listen {host}:{port};
        {location}
    }}
}}
"""


def ask(path, **fields):
    connection = http.client.HTTPConnection(HOST, PORT, timeout=harness.DEADLINE_S)
    connection.request("GET", path, headers=fields)
    response = connection.getresponse()
    return response.status, response.getheader("WWW-Authenticate"), response.read()


def answers():
    try:
        return ask("/")[0] == 401
    except OSError:
        return False


def test_a_password_opens_the_console():
    (location,) = [block.text for block in documents.blocks("docs/security.md") if block.language == "nginx"]
    with tempfile.TemporaryDirectory(prefix="go-id-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)  # nginx's workers are another user
        (directory / "people").write_text("ann:{PLAIN}secret\n")
        (directory / "tokens").write_text(f"{TOKEN}\n")
        (directory / "tokens").chmod(0o600)
        with harness.daemon(env={"AUTH_TOKEN_FILE": str(directory / "tokens")}) as server:
            host, port = server.address
            for shown, own in (("/etc/go-id/people", f"{directory}/people"), ("127.0.0.1:7001", f"{host}:{port}"),
                               ("TOKEN", TOKEN)):
                assert location.count(shown) == 1
                location = location.replace(shown, own)
            (directory / "nginx.conf").write_text(
                REST.format(directory=directory, host=HOST, port=PORT, location=location))
            nginx = subprocess.Popen(
                ["nginx", "-e", f"{directory}/error.log", "-c", f"{directory}/nginx.conf"], stdin=subprocess.DEVNULL,
                preexec_fn=lambda: harness.PRCTL(harness.PR_SET_PDEATHSIG, signal.SIGTERM))
            try:
                harness.wait_until(lambda: nginx.poll() is not None or answers(), "nginx to ask for a password")
                status, challenge, _ = ask("/")
                assert (status, challenge) == (401, 'Basic realm="go-id"')
                password = {"Authorization": "Basic " + base64.b64encode(b"ann:secret").decode()}
                for path in ("/", "/status", "/metrics", "/generate"):
                    assert ask(path, **password)[0] == 200
                assert b"<html" in ask("/status", **password)[2]
                assert http_client.get(server.address, "/").status == 401  # not without the proxy
            finally:
                nginx.terminate()
                nginx.wait(harness.STOP_S)
                print((directory / "error.log").read_text(errors="replace"))  # pytest shows it on failure
