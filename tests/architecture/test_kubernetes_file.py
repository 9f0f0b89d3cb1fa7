"""deploy/kuberay.yaml is a RayJob of KubeRay 1.6: fields that are there, of the right types, and no others.

The operator's own schema is a megabyte of pod fields. This is the part of its reference that the file uses; what is
misspelt or in the wrong place fails here as it would there. By hand, the file was held to the operator's own types
(`raycluster_types.go`, `rayjob_types.go`), and its pods to the schema of Kubernetes 1.30 with `kubernetes-validate`,
which is too large to be installed for this.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORD, WHOLE, YES_OR_NO = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
WORDS = {"type": "object", "additionalProperties": WORD}
QUANTITIES = {"type": "object", "additionalProperties": {"type": "string", "pattern": r"^\d+([KMGT]i?|m)?$"}}


def fields(*required: str, **known: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": known, "additionalProperties": False}


def several(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


def one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


NAMED = fields("name", name=WORD)
CONTAINER = fields(
    "name",
    "image",
    name=WORD,
    image=WORD,
    envFrom=several(fields(secretRef=NAMED, configMapRef=NAMED)),
    volumeMounts=several(fields("name", "mountPath", name=WORD, mountPath=WORD)),
    resources=fields(limits=QUANTITIES, requests=QUANTITIES),
)
POD = fields(
    "containers",
    restartPolicy=one_of("Always", "OnFailure", "Never"),
    containers=several(CONTAINER),
    volumes=several(fields("name", name=WORD, configMap=NAMED)),
)
TEMPLATE = fields("spec", spec=POD, metadata=fields(labels=WORDS, annotations=WORDS))
WORKERS = fields(
    "groupName",
    "maxReplicas",
    "minReplicas",
    "template",
    groupName=WORD,
    replicas=WHOLE,
    minReplicas=WHOLE,
    maxReplicas=WHOLE,
    rayStartParams=WORDS,
    template=TEMPLATE,
)
CLUSTER = fields(
    "headGroupSpec",
    rayVersion=WORD,
    authOptions=fields(mode=one_of("disabled", "token"), secretName=WORD),
    enableInTreeAutoscaling=YES_OR_NO,
    autoscalerOptions=fields(
        version=one_of("v1", "v2"), idleTimeoutSeconds=WHOLE, upscalingMode=one_of("Default", "Conservative")
    ),
    headGroupSpec=fields("template", rayStartParams=WORDS, template=TEMPLATE),
    workerGroupSpecs=several(WORKERS),
)
JOB = fields(
    "entrypoint",
    entrypoint=WORD,
    submissionMode=one_of("K8sJobMode", "HTTPMode", "SidecarMode", "InteractiveMode"),
    backoffLimit=WHOLE,
    shutdownAfterJobFinishes=YES_OR_NO,
    ttlSecondsAfterFinished=WHOLE,
    activeDeadlineSeconds=WHOLE,
    rayClusterSpec=CLUSTER,
)
SCHEMA = fields(
    "apiVersion", "kind", "spec", apiVersion=one_of("ray.io/v1"), kind=one_of("RayJob"), metadata=NAMED, spec=JOB
)


@pytest.fixture
def job() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "deploy/kuberay.yaml").read_text())
    return document


def test_it_is_a_ray_job_and_others_are_not(job: dict[str, Any]) -> None:
    jsonschema.validate(job, SCHEMA)
    wrong = copy.deepcopy(job)
    wrong["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["minReplicas"] = "0"
    wrong["spec"]["rayClusterSpec"]["auth"] = {"mode": "token"}
    places = {".".join(map(str, error.path)) for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(wrong)}
    assert places == {"spec.rayClusterSpec", "spec.rayClusterSpec.workerGroupSpecs.0.minReplicas"}


def test_mounts_have_their_volumes_and_the_grid_is_mounted(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (mount,) = pod["containers"][0]["volumeMounts"]
        assert mount["name"] in {volume["name"] for volume in pod["volumes"]}
        assert f"sweep launch {mount['mountPath']}/grid.yaml " in job["spec"]["entrypoint"]


def test_all_name_the_ray_that_is_pinned(job: dict[str, Any]) -> None:
    """KubeRay asks for 2.52 or later where there are tokens."""
    (pinned,) = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned
    assert f"rayproject/ray:{pinned}-py312\n" in (ROOT / "deploy/Dockerfile").read_text()
