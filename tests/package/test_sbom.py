#!/usr/bin/python3
"""test_sbom.py BINARY: the bill of materials names the binary, its library and its tools."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "sbom.py"
STATUS = """Package: base-files
Status: install ok installed
Architecture: amd64
Version: 12.4

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""


def make(*args):
    done = subprocess.run([sys.executable, SCRIPT, *args], capture_output=True, text=True,
                          check=True)
    return done.stdout


def check(document, binary):
    assert document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    packages = {package["SPDXID"]: package for package in document["packages"]}
    assert len(packages) == len(document["packages"]), "an SPDXID comes twice"
    for identifier, package in packages.items():
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", identifier), identifier
        assert package["name"] and package["downloadLocation"], package
    known = {*packages, "SPDXRef-DOCUMENT"}
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= known, relation
    checksum = packages["SPDXRef-Package-go-id"]["checksums"][0]["checksumValue"]
    assert checksum == hashlib.sha256(binary.read_bytes()).hexdigest()
    types = [relation["relationshipType"] for relation in document["relationships"]]
    assert types.count("DESCRIBES") == 1
    assert types.count("DYNAMIC_LINK") == 1, "the binary needs libc and nothing else"
    return packages


def main():
    binary = pathlib.Path(sys.argv[1])
    text = make(binary)
    assert text == make(binary), "two runs differ"
    check(json.loads(text), binary)
    with tempfile.TemporaryDirectory(prefix="go-id-") as folder:
        status = pathlib.Path(folder) / "var/lib/dpkg/status"
        status.parent.mkdir(parents=True)
        status.write_text(STATUS, encoding="utf-8")
        packages = check(json.loads(make(binary, "--rootfs", folder)), binary)
        assert packages["SPDXRef-Image-base-files"]["versionInfo"] == "12.4"
        assert "SPDXRef-Image-gone" not in packages
    print("ok")


if __name__ == "__main__":
    main()
