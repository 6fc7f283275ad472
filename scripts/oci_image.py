#!/usr/bin/python3
"""Packs the static binary as a container image: an OCI image layout in a tar file.

    oci_image.py BINARY OUT.tar

One layer, made here: the binary, its licences, and an empty folder for the state.  The same binary
makes the same bytes; the time in it is SOURCE_DATE_EPOCH, or that of the last commit.  The tar also
has the manifest.json by which Docker loads images, for versions that know no OCI layout.
"""

import argparse
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

from sbom import ROOT, created, output_of, project_version, source_date

USER = 65532  # "nonroot" in other images without a distribution
STATE = "var/lib/go-id"
MACHINES = {62: "amd64", 183: "arm64", 243: "riscv64"}  # e_machine of ELF, and Go's names
LICENCES = (ROOT / "LICENSE", pathlib.Path("/usr/share/doc/musl/copyright"))


def architecture(binary):
    return MACHINES[int.from_bytes(binary[18:20], "little")]


# ---- Tar files that say nothing of when and by whom they were made --------------------------------


def entry(name, mode, owner, size=None):
    """A file; a folder if size is None."""
    found = tarfile.TarInfo(name)
    found.type = tarfile.DIRTYPE if size is None else tarfile.REGTYPE
    found.size = size or 0
    found.mode = mode
    found.uid = found.gid = owner
    found.mtime = source_date()
    return found


def packed(entries):
    """A tar file of (TarInfo, bytes)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for info, content in entries:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def layer_of(binary):
    licences = b"\n".join(path.read_bytes() for path in LICENCES)
    folders = ["usr", "usr/bin", "usr/share", "usr/share/doc", "usr/share/doc/go-id", "var",
               "var/lib"]
    entries = [(entry(folder, 0o755, 0), b"") for folder in folders]
    entries += [(entry("usr/bin/go-id", 0o755, 0, len(binary)), binary),
                (entry("usr/share/doc/go-id/copyright", 0o644, 0, len(licences)), licences),
                (entry(STATE, 0o750, USER), b"")]
    return packed(sorted(entries, key=lambda pair: pair[0].name))


# ---- What OCI has to know -------------------------------------------------------------------------


def labels():
    prefix = "org.opencontainers.image."
    found = {"title": "go-id", "description": "Unique, sortable 64-bit ids over HTTP",
             "version": project_version(), "licenses": "MIT", "created": created(),
             "revision": output_of("git", "rev-parse", "HEAD") or "unknown"}
    return {prefix + name: value for name, value in sorted(found.items())}


def config_of(binary, layer):
    second = 1_000_000_000
    return {
        "created": created(), "architecture": architecture(binary), "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/usr/bin/go-id"], "Cmd": ["serve"],
            # Processes of other containers are not seen here, so the state's folder does for both.
            "Env": ["PATH=/usr/bin", "LISTEN_ADDRESS=0.0.0.0", f"LOCK_DIRECTORY=/{STATE}"],
            "ExposedPorts": {"7001/tcp": {}}, "Volumes": {f"/{STATE}": {}},
            "WorkingDir": "/", "StopSignal": "SIGTERM",
            # Not in the specification of OCI: Docker's, which others pass over.
            "Healthcheck": {"Test": ["CMD", "/usr/bin/go-id", "health"], "Interval": 10 * second,
                            "Timeout": 5 * second, "StartPeriod": 10 * second, "Retries": 3},
            "Labels": labels(),
        },
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer)]},
        "history": [{"created": created(), "created_by": "scripts/oci_image.py"}],
    }


def digest(content):
    return hashlib.sha256(content).hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def image_of(binary):
    """The files of the tar, by name."""
    layer = layer_of(binary)
    config = as_json(config_of(binary, layer))
    compressed = gzip.compress(layer, 9, mtime=0)
    media = "application/vnd.oci.image."

    def described(kind, content, **more):
        return {"mediaType": media + kind, "digest": "sha256:" + digest(content),
                "size": len(content), **more}

    manifest = as_json({
        "schemaVersion": 2, "mediaType": media + "manifest.v1+json",
        "config": described("config.v1+json", config),
        "layers": [described("layer.v1.tar+gzip", compressed)], "annotations": labels()})
    index = as_json({
        "schemaVersion": 2, "mediaType": media + "index.v1+json",
        "manifests": [described(
            "manifest.v1+json", manifest,
            platform={"architecture": architecture(binary), "os": "linux"},
            annotations={"org.opencontainers.image.ref.name": project_version()})]})
    for_docker = as_json([{
        "Config": "blobs/sha256/" + digest(config), "RepoTags": [f"go-id:{project_version()}"],
        "Layers": ["blobs/sha256/" + digest(compressed)]}])
    blobs = {"blobs/sha256/" + digest(blob): blob for blob in (config, compressed, manifest)}
    return {"oci-layout": as_json({"imageLayoutVersion": "1.0.0"}), "index.json": index,
            "manifest.json": for_docker, **blobs}


def main():
    parser = argparse.ArgumentParser(description="Packs the static binary as an OCI image.")
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    files = image_of(options.binary.read_bytes())
    folders = ["blobs", "blobs/sha256"]
    options.out.write_bytes(packed(
        [(entry(name, 0o755, 0), b"") for name in folders] +
        [(entry(name, 0o644, 0, len(content)), content)
         for name, content in sorted(files.items())]))


if __name__ == "__main__":
    main()
