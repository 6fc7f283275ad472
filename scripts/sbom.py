#!/usr/bin/python3
"""Writes the software bill of materials of a binary, or of an image with it, as SPDX 2.3 JSON.

    sbom.py BINARY [--name libsonyflake] [--image FILE [--rootfs FOLDER]] [--output FILE]

What the binary is, by its checksum; what it loads at run time or has linked into it, and what made
it, by Debian package.  With --image it describes that file, which contains the binary; with --rootfs
also every Debian package of which there is a file in the image's root.  The same input makes the
same bytes: the time is SOURCE_DATE_EPOCH, or that of the last commit.
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
NAMES = ("go-id", "libsonyflake")
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


def source_date():
    """Seconds since 1970: the same for the same sources."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or
               output_of("git", "log", "-1", "--format=%ct") or 0)


def created():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(source_date()))


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
    """The Debian packages of an image's root, by name; container/licences.sh makes the list."""
    text = (rootfs / "usr/share/doc/go-id/packages.tsv").read_text(encoding="utf-8")
    architecture = output_of("dpkg", "--print-architecture")
    rows = [line.split("\t") for line in text.splitlines()]
    return {name: debian_package(name, version, architecture, kind="Image")
            for name, version, _ in rows}


def libraries(binary):
    """(relation, package) for what the binary needs at run time, or has in it."""
    if binary.suffix == ".a":
        return []  # is linked with nothing yet
    needed = needed_libraries(binary)
    if needed:
        return [("DYNAMIC_LINK", package_of_library(library)) for library in needed]
    return [("STATIC_LINK", package) for package in [installed("musl-dev")] if package]


def image_file(path):
    return {
        "SPDXID": "SPDXRef-Image", "name": path.name, "versionInfo": project_version(),
        "packageFileName": path.name, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION", "primaryPackagePurpose": "CONTAINER",
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(path)}],
    }


def own(binary, name):
    """The program, or the library."""
    return {
        "SPDXID": spdx_id("Package", name), "name": name, "versionInfo": project_version(),
        "packageFileName": binary.name, "downloadLocation": "NOASSERTION",
        "sourceInfo": f"commit {output_of('git', 'rev-parse', 'HEAD') or 'unknown'}",
        "filesAnalyzed": False, "licenseConcluded": "MIT", "licenseDeclared": "MIT",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "APPLICATION" if name == NAMES[0] else "LIBRARY",
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(binary)}],
    }


def document(binary, name, image, rootfs):
    program = own(binary, name)
    packages = {}
    relations = []

    def relate(first, relation, second):
        packages.update({package["SPDXID"]: package for package in (first, second)})
        relations.append((first["SPDXID"], relation, second["SPDXID"]))

    in_image = packages_of_root(rootfs) if rootfs else {}
    for relation, package in libraries(binary):
        relate(program, relation, in_image.get(package["name"], package))
    for tool in BUILD_TOOLS:
        package = installed(tool, kind="Tool")
        if package:
            relate(package, "BUILD_TOOL_OF", program)
    subject = image_file(image) if image else program
    for package in (program, *in_image.values()) if image else ():
        relate(subject, "CONTAINS", package)
    relations.append(("SPDXRef-DOCUMENT", "DESCRIBES", subject["SPDXID"]))
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{subject['name']}-{subject['versionInfo']}",
        "documentNamespace": "https://spdx.org/spdxdocs/go-id-" + sha256(image or binary),
        "creationInfo": {"created": created(), "creators": ["Tool: scripts/sbom.py"]},
        "packages": [packages[key] for key in sorted(packages)],
        "relationships": [{"spdxElementId": first, "relationshipType": relation,
                           "relatedSpdxElement": second}
                          for first, relation, second in sorted(set(relations))],
    }


def main():
    parser = argparse.ArgumentParser(description="Writes the SPDX 2.3 bill of materials.")
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--name", choices=NAMES, default=NAMES[0], help="what it is")
    parser.add_argument("--image", type=pathlib.Path, help="the file that has the binary in it")
    parser.add_argument("--rootfs", type=pathlib.Path, help="the root of that image")
    parser.add_argument("--output", type=pathlib.Path, help="a file; default: standard output")
    options = parser.parse_args()
    if options.rootfs and not options.image:
        parser.error("--rootfs is of which image? --image FILE")
    text = json.dumps(document(options.binary, options.name, options.image, options.rootfs), indent=2) + "\n"
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
