"""What a release consists of (scripts/dist.sh): its files, their sums, and that they come out the
same again.
"""

import hashlib
import io
import json
import subprocess
import tarfile

from release import IMAGE, MACHINE, SOURCES, VERSION, make_images, make_release

# What the bill of a Debian package describes, and how that is linked.
IN_PACKAGE = {
    "go-id": ("go-id", {"DYNAMIC_LINK"}),
    "libsonyflake1": ("libsonyflake", {"DYNAMIC_LINK"}),
    "libsonyflake-dev": ("libsonyflake", set()),
}


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_everything_is_there(release):
    program = f"go-id-{VERSION}-linux-{MACHINE}"
    packages = {f"{name}_{VERSION}-1_{MACHINE}.deb" for name in IN_PACKAGE}
    described = {program, f"{program}.oci.tar", IMAGE, *packages}
    assert names_in(release) == {
        f"go-id-{VERSION}.tar.gz", "SHA256SUMS", "launch.sh", *described,
        *(f"{name}.spdx.json" for name in described)}


def test_the_sums_are_those_of_the_files(release):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], check=True,
                   cwd=release)
    listed = {line.split("  ")[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert listed == names_in(release) - {"SHA256SUMS"}


def test_the_same_commit_makes_the_same_bytes_and_an_image_of_other_sources_is_left_out(release, tmp_path):
    """Both of one run, which takes its time."""
    (tmp_path / "image").mkdir()
    images = make_images(tmp_path / "image", sources="0" * 64)
    again, said = make_release(tmp_path / "again", images)
    assert f"LXD image                    none of these sources in {images}: make image builds it" in said
    of_image = {"launch.sh", IMAGE, f"{IMAGE}.spdx.json"}
    assert (again / "SHA256SUMS").read_text().splitlines() == [
        line for line in (release / "SHA256SUMS").read_text().splitlines()
        if line.split("  ")[1] not in of_image]


def test_the_image_is_described_with_the_packages_in_it(release):
    bill = json.loads((release / f"{IMAGE}.spdx.json").read_text(encoding="utf-8"))
    contained = {relation["relatedSpdxElement"] for relation in bill["relationships"]
                 if relation["relationshipType"] == "CONTAINS"}
    assert contained == {"SPDXRef-Package-go-id", "SPDXRef-Image-libc6", "SPDXRef-Image-busybox-static"}


def test_the_tarball_has_the_sources(release):
    listed = subprocess.run(["git", "ls-tree", "-r", "--name-only", "HEAD"], cwd=SOURCES,
                            check=True, capture_output=True, text=True).stdout.splitlines()
    with tarfile.open(release / f"go-id-{VERSION}.tar.gz") as archive:
        files = {item.name for item in archive.getmembers() if not item.isdir()}
    assert files == {f"go-id-{VERSION}/{name}" for name in listed}


def sums_in_package(package):
    packed = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {hashlib.sha256(archive.extractfile(item).read()).hexdigest()
                for item in archive.getmembers() if item.isfile()}


def test_bills_name_what_they_are_of(release):
    for path in release.glob("*.spdx.json"):
        bill = json.loads(path.read_text(encoding="utf-8"))
        packages = {package["SPDXID"]: package for package in bill["packages"]}
        (subject,) = [packages[relation["relatedSpdxElement"]] for relation in bill["relationships"]
                      if relation["relationshipType"] == "DESCRIBES"]
        artefact = release / path.name.removesuffix(".spdx.json")
        assert artefact.exists()
        linked = {relation["relationshipType"] for relation in bill["relationships"]} & \
            {"DYNAMIC_LINK", "STATIC_LINK"}
        checksum = subject["checksums"][0]["checksumValue"]
        if artefact.suffix == ".deb":
            assert (subject["name"], linked) == IN_PACKAGE[artefact.name.partition("_")[0]]
            assert checksum in sums_in_package(artefact)
        else:
            assert linked == ({"STATIC_LINK"} if "-linux-" in path.name else {"DYNAMIC_LINK"})
            assert checksum == hashlib.sha256(artefact.read_bytes()).hexdigest()
