"""The kernel ``rbm_snapshot``: a machine as it was at one step of its training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.kernel import machine_outputs
from sweep.kernels.rbm.machine import Machine


@dataclass(frozen=True)
class SnapshotParams:
    """Which machine: that after `snapshot` steps, one of those that the training was asked to keep."""

    size: int = parameter("sites per side of the lattice that the chain of layers begins with", ge=1)
    snapshot: int = parameter("steps of training; 0 is the machine before any", ge=0)
    kept: tuple[int, ...] = parameter("steps that were kept, from their labels")
    shape: tuple[int, ...] = parameter("snapshots, visible and hidden units, from the machine")

    def __post_init__(self) -> None:
        if self.snapshot not in self.kept:
            raise ValueError(f"snapshot: found {self.snapshot}; the training has kept {list(self.kept)}")


def outputs(params: SnapshotParams) -> dict[str, Output]:
    """Return the outputs: a machine, which stands wherever one is read."""
    return machine_outputs(*params.shape[-2:])


def init(params: SnapshotParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return nothing: there is no state."""
    return ()


def advance(params: SnapshotParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the machine."""
    place, kept = params.kept.index(params.snapshot), inputs["machine"]
    shapes = {name: one.shape for name, one in outputs(params).items()}
    snapshots = {name: kept[f"snapshot_{name}"] for name in Machine._fields}
    for name, arrays in snapshots.items():
        if arrays.size != len(params.kept) * np.prod(shapes[name]):
            raise ValueError(
                f"machine: found {name} of shape {arrays.shape}; wanted {len(params.kept)} snapshots of one machine: "
                "give this stage the axes of the training, or select one label of the others"
            )
    machine = {name: arrays.reshape(-1, *shapes[name])[place] for name, arrays in snapshots.items()}
    if np.isnan(machine["visible_bias"]).any():
        raise ValueError(f"snapshot: found {params.snapshot}; the training has not come so far")
    return (), machine


def example_inputs(params: SnapshotParams, rng: np.random.Generator) -> Inputs:
    """Return random machines."""
    shapes = {name: (len(params.kept), *one.shape) for name, one in outputs(params).items()}
    machines = {f"snapshot_{name}": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {"machine": {**machines, "snapshot": np.array(params.kept)}}


RBM_SNAPSHOT = Kernel(
    name="rbm_snapshot",
    version=1,
    params=SnapshotParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=lambda params: 1e-4 + 1e-8 * float(np.prod(params.shape)),
    inputs={"machine": tuple(f"snapshot_{name}" for name in Machine._fields)},
    labels={"kept": ("machine", "snapshot")},
    shapes={"shape": ("machine", "snapshot_weights")},
    example=SnapshotParams(size=2, snapshot=10, kept=(0, 10), shape=(2, 4, 3)),
    example_inputs=example_inputs,
    description="a machine as it was at one step of its training",
)
