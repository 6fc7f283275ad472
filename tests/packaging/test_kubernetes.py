"""docs/deploy/kubernetes/go-id.yaml: what can be said of it without a cluster.

Kubernetes' own description of its objects (kubernetes-types, from npm) says which fields there are and
what they take: the TypeScript compiler holds the objects against it, and finds misspelt fields too.  The rest
is how the objects hang together, with each other and with go-id.  What an image does under the name of
a pod is in test_oci.py; nothing here asks a real API server.
"""

import copy
import json
import os
import re
import subprocess

import pytest
import yaml

from release import SOURCES, VERSION
from settings_commands import DEFAULTS

FILE = SOURCES / "docs/deploy/kubernetes/go-id.yaml"
MODULES = SOURCES / "out/kubernetes"
OBJECTS = list(yaml.safe_load_all(FILE.read_text(encoding="utf-8")))


def found(kind, name="go-id"):
    (one,) = [item for item in OBJECTS
              if item["kind"] == kind and item["metadata"]["name"] == name]
    return one


STATEFUL_SET = found("StatefulSet")
POD = STATEFUL_SET["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]


# Each of them must be found, so that what is said of the file means something.
MISTAKES = [
    lambda spec: spec.update(replicas="three"),
    lambda spec: spec.pop("selector"),
    lambda spec: spec["template"]["spec"].update(terminationGracePeriod=20),
    lambda spec: spec["template"]["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"].clear(),
]


def with_mistakes():
    wrong = [copy.deepcopy(STATEFUL_SET) for _ in MISTAKES]
    for change, item in zip(MISTAKES, wrong):
        change(item["spec"])
    return wrong


def as_typescript(number, item):
    """An object on one line, and its type in the line's beginning."""
    group, _, version = item["apiVersion"].rpartition("/")
    return (f'export const object{number}: import("kubernetes-types/{group or "core"}/{version}")'
            f'.{item["kind"]} = {json.dumps(item)};')


def test_kubernetes_knows_every_field(tmp_path):
    """It takes the objects of the file, and none with a mistake."""
    subprocess.run([SOURCES / "scripts/npm_modules.sh", SOURCES / "tests/packaging/kubernetes",
                    MODULES], check=True)
    (tmp_path / "tsconfig.json").write_text(json.dumps({
        "files": ["objects.ts"], "compilerOptions": {
            "noEmit": True, "strict": True, "types": [], "lib": ["es2020"], "module": "commonjs",
            "paths": {"kubernetes-types/*": [f"{MODULES}/node_modules/kubernetes-types/*"]}}}))
    objects = [*OBJECTS, *with_mistakes()]
    (tmp_path / "objects.ts").write_text(
        "".join(as_typescript(*pair) + "\n" for pair in enumerate(objects)))
    said = subprocess.run([MODULES / "node_modules/.bin/tsc", "--project", tmp_path], check=False,
                          capture_output=True, text=True).stdout
    refused = {int(line) - 1 for line in re.findall(r"objects\.ts\((\d+),\d+\): error", said)}
    assert refused == set(range(len(OBJECTS), len(objects))), said


def test_everything_selects_the_pods():
    labels = POD["metadata"]["labels"]
    for item in OBJECTS:
        selector = item["spec"]["selector"]
        assert selector.get("matchLabels", selector) == labels, item["kind"]
    for constraint in POD["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"] == labels


def test_the_pods_have_names_and_states_of_their_own():
    service = found("Service", STATEFUL_SET["spec"]["serviceName"])
    assert service["spec"]["clusterIP"] == "None"
    (claim,) = STATEFUL_SET["spec"]["volumeClaimTemplates"]
    (mount,) = CONTAINER["volumeMounts"]
    assert mount == {"name": claim["metadata"]["name"], "mountPath": "/var/lib/go-id"}
    assert set(STATEFUL_SET["spec"]["persistentVolumeClaimRetentionPolicy"].values()) == {"Retain"}


def test_ports_are_named_and_there():
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == int(DEFAULTS["SERVICE_PORT"])
    for service in (found("Service"), found("Service", "go-id-shards")):
        assert [entry["targetPort"] for entry in service["spec"]["ports"]] == [port["name"]]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        get = CONTAINER[probe]["httpGet"]
        assert get["port"] == port["name"]
        assert get["path"] == ("/ready" if probe == "readinessProbe" else "/health")


def test_go_id_takes_the_settings():
    env = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    assert all(isinstance(value, str) for value in env.values())
    assert env["SHARD_ID"] == "hostname" and "SHARD_BASE" in env
    script = 'hostname go-id-2; exec "$0" config'
    done = subprocess.run(["unshare", "--map-root-user", "--uts", "sh", "-c", script,
                           os.path.abspath(os.environ["GO_ID"])], capture_output=True, text=True,
                          env={**env, "PATH": os.environ["PATH"]}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "# shard 2: " in done.stdout


def test_a_pod_has_no_rights():
    pod, container = POD["spec"]["securityContext"], CONTAINER["securityContext"]
    assert pod["runAsNonRoot"] and pod["runAsUser"] == pod["runAsGroup"] == pod["fsGroup"] == 65532
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                         "capabilities": {"drop": ["ALL"]}}
    assert POD["spec"]["automountServiceAccountToken"] is False


def test_there_is_time_to_drain():
    seconds = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["spec"]["terminationGracePeriodSeconds"] > \
        seconds + int(DEFAULTS["DRAIN_TIMEOUT_MS"]) / 1000
    assert found("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_image_is_of_this_version():
    assert CONTAINER["image"].endswith(f"/go-id:{VERSION}")
