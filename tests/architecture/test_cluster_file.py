"""The cluster files are what Ray's cluster launcher takes, and start as many machines as they say."""

from __future__ import annotations

import copy
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.resource_demand_scheduler import _add_min_workers_nodes
from ray.autoscaler._private.util import prepare_config, validate_config
from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
from ray.autoscaler.v2.schema import AutoscalerInstance
from ray.autoscaler.v2.utils import ResourceRequestUtil
from ray.core.generated.autoscaler_pb2 import NodeState, NodeStatus, ResourceRequestByCount
from ray.core.generated.instance_manager_pb2 import Instance, NodeKind

ROOT = Path(__file__).parents[2]
FILES = ["cluster.yaml", "deploy/aws.yaml"]


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray would keep files there."""
    monkeypatch.setenv("HOME", str(tmp_path))


def prepared(cluster: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = prepare_config(copy.deepcopy(cluster))
    return found


@pytest.mark.parametrize("name", FILES)
def test_ray_accepts_it_and_would_refuse_an_unknown_key(name: str) -> None:
    validate_config(prepared(document(name)))
    with pytest.raises((jsonschema.ValidationError, ValueError), match="worker_hosts"):
        validate_config(prepared(document(name) | {"worker_hosts": []}))


@pytest.mark.parametrize("name", FILES)
def test_every_command_uses_what_set_up_makes_and_wants_a_token(name: str) -> None:
    cluster = document(name)
    assert "cd ~/sweep && make setup" in cluster["setup_commands"]
    assert {"~/sweep", "~/.ray/auth_token"} <= cluster["file_mounts"].keys()
    for command in cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]:
        assert "~/sweep/.venv/bin/ray " in command
        assert "RAY_AUTH_MODE=token" in command or "ray stop" in command


def launched_by_second_autoscaler(config: dict[str, Any], cpus: int) -> dict[str, int]:
    """Return how many machines of each type it starts beside the head when so many actors of one core wait."""
    settings, kind = AutoscalingConfig(config, skip_content_hash=True), config["head_node_type"]
    cores = {"CPU": config["available_node_types"][kind]["resources"].get("CPU", 1)}
    head = AutoscalerInstance(
        im_instance=Instance(instance_id="1", instance_type=kind, status="RAY_RUNNING", node_kind=NodeKind.HEAD),
        cloud_instance_id="1",
        ray_node=NodeState(
            node_id=b"1",
            ray_node_type_name=kind,
            status=NodeStatus.RUNNING,
            total_resources=cores,
            available_resources=cores,
        ),
    )
    one = ResourceRequestUtil.make({"CPU": 1})
    request = SchedulingRequest(
        node_type_configs=settings.get_node_type_configs(),
        max_num_nodes=settings.get_max_num_nodes(),
        resource_requests=[ResourceRequestByCount(request=one, count=cpus)] if cpus else [],
        current_instances=[head],
        disable_launch_config_check=True,
    )
    return {launch.instance_type: launch.count for launch in ResourceDemandScheduler().schedule(request).to_launch}


def test_on_premises_all_workers_are_started() -> None:
    """By the autoscaler that the file asks for; the other one, which Ray would take, leaves out one."""
    config = prepared(document("cluster.yaml"))
    kind, named = config["head_node_type"], len(config["provider"]["worker_ips"])
    types, workers = config["available_node_types"], config["max_workers"]
    _, _, added = _add_min_workers_nodes([{}], {kind: 1}, types, workers, kind, [], lambda *_: None)
    assert added == {kind: named}
    assert launched_by_second_autoscaler(config, 0) == {kind: named - 1}
    start = shlex.split(config["head_start_ray_commands"][1])
    assert start.index("RAY_enable_autoscaler_v2=0;") < start.index("start")


def test_in_the_cloud_from_no_worker_to_what_is_asked_for() -> None:
    config = prepared(document("deploy/aws.yaml"))
    assert launched_by_second_autoscaler(config, 0) == {}
    assert launched_by_second_autoscaler(config, 20) == {"worker": 2}
    assert launched_by_second_autoscaler(config, 1000) == {"worker": config["max_workers"]}
