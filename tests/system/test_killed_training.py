"""SIGKILL in the middle of a training that reads a layer: it goes on from its last checkpoint, to the same weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from launching import assert_same, load, run

import sweep.run.work
from sweep.grid.grid import Grid, Stage
from sweep.grid.resolve import resolve
from sweep.store.storage import Location
from sweep.store.store import Store

SUPPORT = Path(__file__).parents[1] / "support"
BLOCKS, DEADLY = (
    6,
    4,
)  # of the training; the launch dies when it has computed the block of this number, and kept none of it

VICTIM = """
import json, os, signal, sys
sys.path[:0] = sys.argv[1:3]
import sweep.run.work
from launching import run
from test_killed_training import grid_of

sweep.run.work.CHECKPOINT_SECONDS = 0.0
undisturbed = sweep.run.work.run_blocks

def deadly(seed, stage, *rest):
    for number, *done in undisturbed(seed, stage, *rest):
        if stage.name == "training" and number == int(sys.argv[5]):
            os.kill(os.getpid(), signal.SIGKILL)
        yield number, *done

sweep.run.work.run_blocks = deadly
run(grid_of(json.loads(sys.argv[3])), sys.argv[4])
"""

SMALL = {
    "ising": {
        "kernel": "ising",
        "axes": {"size": [8], "temperature": [2.3]},
        "params": {"configurations": 300},
    },
    "first": {
        "kernel": "rbm",
        "inputs": {"data": "ising"},
        "axes": {"size": [8]},
        "params": {"hidden": 16, "steps": 20, "block": 10, "learning_rate": 0.01},
    },
    "layer": {
        "kernel": "encode",
        "inputs": {"machine": "first", "data": "ising"},
        "axes": {"size": [8], "temperature": [2.3]},
    },
    "training": {
        "kernel": "rbm",
        "inputs": {"data": "layer"},
        "axes": {"size": [8]},
        "params": {"hidden": 9, "steps": 10 * BLOCKS, "block": 10, "learning_rate": 0.01, "snapshots": [0, 30]},
    },
}

LARGE = {  # 4096 -> 1024 units, on block spins of 128x128
    "ising": {
        "kernel": "ising",
        "axes": {"size": [128], "temperature": [4.0]},
        "params": {"configurations": 256},
    },
    "layer": {
        "kernel": "block_spin",
        "inputs": {"data": "ising"},
        "axes": {"size": [128], "temperature": [4.0]},
        "params": {"rule": "majority"},
    },
    "training": {
        "kernel": "rbm",
        "inputs": {"data": "layer"},
        "axes": {"size": [128]},
        "params": {"hidden": 1024, "steps": 5 * BLOCKS, "block": 5, "preset": "text"},
    },
}


def grid_of(stages: dict[str, Any]) -> Grid:
    document = {"name": "killed", "seed": 3, "stages": stages}
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "killed.yaml")


@pytest.mark.parametrize("stages", [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["small", "4096-1024"])
def test_a_killed_training_goes_on_from_its_checkpoint(
    stages: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed, reference = tmp_path / "killed.zarr", tmp_path / "reference.zarr"
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", VICTIM, str(SUPPORT), here, json.dumps(stages), str(killed), str(DEADLY)]
    assert subprocess.run(command, check=False, timeout=600).returncode == -signal.SIGKILL
    assert Store(Location(str(killed))).blocks("training").item() == DEADLY
    done: list[int] = []
    undisturbed = sweep.run.work.run_blocks

    def watched(seed: int, stage: Stage, *rest: Any) -> Iterator[Any]:
        for number, *results in undisturbed(seed, stage, *rest):
            done.append(number) if stage.name == "training" else None
            yield number, *results

    monkeypatch.setattr(sweep.run.work, "run_blocks", watched)
    run(grid_of(stages), killed)
    assert done == list(range(DEADLY, BLOCKS)), "no block before the checkpoint is computed again"
    run(grid_of(stages), reference)
    assert_same(load(killed), load(reference))
