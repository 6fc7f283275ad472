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
PACKAGES = "base-files\t12.4\tbase-files=12.4\nlibc6\t2.36-9\tglibc=2.36-9\n"


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
    return packages, {tuple(relation.values()) for relation in document["relationships"]}


def main():
    binary = pathlib.Path(sys.argv[1])
    text = make(binary)
    assert text == make(binary), "two runs differ"
    check(json.loads(text), binary)
    with tempfile.TemporaryDirectory(prefix="go-id-") as folder:
        listed = pathlib.Path(folder) / "usr/share/doc/go-id/packages.tsv"
        listed.parent.mkdir(parents=True)
        listed.write_text(PACKAGES, encoding="utf-8")
        image = pathlib.Path(folder) / "image.tar"
        image.write_bytes(b"an image")
        text = make(binary, "--image", image, "--rootfs", folder)
        packages, relations = check(json.loads(text), binary)
        assert packages["SPDXRef-Image-base-files"]["versionInfo"] == "12.4"
        assert packages["SPDXRef-Image"]["checksums"][0]["checksumValue"] == \
            hashlib.sha256(b"an image").hexdigest()
        program, libc = "SPDXRef-Package-go-id", "SPDXRef-Image-libc6"
        assert {("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
                ("SPDXRef-Image", "CONTAINS", program), ("SPDXRef-Image", "CONTAINS", libc),
                ("SPDXRef-Image", "CONTAINS", "SPDXRef-Image-base-files"),
                (program, "DYNAMIC_LINK", libc)} <= relations
    print("ok")


if __name__ == "__main__":
    main()
