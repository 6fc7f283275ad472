#!/usr/bin/python3
"""Writes the software bill of materials of a binary as SPDX 2.3 JSON.

    sbom.py BINARY [--rootfs FOLDER] [--output FILE]

What the binary is, by its checksum; what it loads at run time, and what made it, by Debian package;
with --rootfs also every Debian package of an image's root.  The same input makes the same bytes:
the time is SOURCE_DATE_EPOCH, or that of the last commit.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD_TOOLS = ("gcc", "libc6-dev", "cmake", "ninja-build")


def output_of(*command):
    """What a command prints; "" if it fails or is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True,
                              cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def project_version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(go-id VERSION ([0-9.]+)", text)[1]


def created():
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or output_of("git", "log", "-1", "--format=%ct")
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(epoch or 0)))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spdx_id(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def debian_package(name, version, architecture, kind="Package"):
    return {
        "SPDXID": spdx_id(kind, name), "name": name, "versionInfo": version,
        "supplier": "Organization: Debian", "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False, "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION", "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
            "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}],
    }


def installed(name, kind="Package"):
    """An installed Debian package; None if it is not there, as on another distribution."""
    line = output_of("dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}", name)
    return debian_package(*line.split("\t"), kind=kind) if line else None


def needed_libraries(binary):
    text = output_of("readelf", "-d", str(binary))
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def package_of_library(library):
    """The Debian package that a shared library comes from, or an entry for the library alone."""
    for line in output_of("dpkg-query", "-S", f"*/{library}").splitlines():
        package = installed(line.split(":")[0])
        if package:
            return package
    return {"SPDXID": spdx_id("Package", library), "name": library,
            "downloadLocation": "NOASSERTION", "filesAnalyzed": False}


def packages_of_root(rootfs):
    """Every Debian package that is installed in an image's root."""
    text = (rootfs / "var/lib/dpkg/status").read_text(encoding="utf-8")
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", stanza, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield debian_package(fields["Package"], fields["Version"], fields["Architecture"],
                                 kind="Image")


def go_id(binary):
    version = project_version()
    return {
        "SPDXID": "SPDXRef-Package-go-id", "name": "go-id", "versionInfo": version,
        "packageFileName": binary.name, "downloadLocation": "NOASSERTION",
        "sourceInfo": f"commit {output_of('git', 'rev-parse', 'HEAD') or 'unknown'}",
        "filesAnalyzed": False, "licenseConcluded": "MIT", "licenseDeclared": "MIT",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(binary)}],
    }


def document(binary, rootfs):
    subject = go_id(binary)
    packages = {subject["SPDXID"]: subject}
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", subject["SPDXID"])]

    def add(package, relation, of_subject):
        packages[package["SPDXID"]] = package
        pair = (subject["SPDXID"], package["SPDXID"])
        first, second = pair if of_subject else reversed(pair)
        relations.append((first, relation, second))

    for library in needed_libraries(binary):
        add(package_of_library(library), "DYNAMIC_LINK", True)
    for tool in BUILD_TOOLS:
        package = installed(tool, kind="Tool")
        if package:
            add(package, "BUILD_TOOL_OF", False)
    for package in packages_of_root(rootfs) if rootfs else ():
        add(package, "OTHER", False)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"go-id-{subject['versionInfo']}",
        "documentNamespace": f"https://spdx.org/spdxdocs/go-id-{sha256(binary)}",
        "creationInfo": {"created": created(), "creators": ["Tool: scripts/sbom.py"]},
        "packages": [packages[key] for key in sorted(packages)],
        "relationships": [{"spdxElementId": first, "relationshipType": relation,
                           "relatedSpdxElement": second}
                          for first, relation, second in sorted(set(relations))],
    }


def main():
    parser = argparse.ArgumentParser(description="Writes the SPDX 2.3 bill of materials.")
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--rootfs", type=pathlib.Path, help="the root of an image")
    parser.add_argument("--output", type=pathlib.Path, help="a file; default: standard output")
    options = parser.parse_args()
    text = json.dumps(document(options.binary, options.rootfs), indent=2) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
