"""cluster.yaml is what Ray's cluster launcher takes."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cluster() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    return document


def test_ray_accepts_it(cluster: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where Ray would keep its files
    validate_config(prepare_config(copy.deepcopy(cluster)))


def test_ray_refuses_an_unknown_key(cluster: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above is one that can fail."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises((jsonschema.ValidationError, ValueError), match="worker_hosts"):
        validate_config(prepare_config(cluster | {"worker_hosts": []}))


def test_workers_are_as_many_as_are_named(cluster: dict[str, Any]) -> None:
    assert cluster["min_workers"] == cluster["max_workers"] == len(cluster["provider"]["worker_ips"])


def test_every_command_uses_what_set_up_makes(cluster: dict[str, Any]) -> None:
    assert cluster["setup_commands"] == ["cd ~/sweep && make setup"]
    assert "~/sweep" in cluster["file_mounts"]
    for command in cluster["head_start_ray_commands"] + cluster["worker_start_ray_commands"]:
        assert "~/sweep/.venv/bin/ray " in command
