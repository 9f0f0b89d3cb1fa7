"""The kernel ``ising_machine``: the machine that is exactly the Ising model, where a trained one may stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.ising import ising_machine
from sweep.kernels.rbm.kernel import machine_outputs


@dataclass(frozen=True)
class IsingMachineParams:
    """Which Ising model."""

    size: int = parameter("sites per side of the lattice", ge=3)
    temperature: float = parameter("temperature T = 1/K of the Ising model", units="J/k_B", gt=0)


def outputs(params: IsingMachineParams) -> dict[str, Output]:
    """Return the outputs: a machine with one hidden unit per bond."""
    return machine_outputs(params.size**2, 2 * params.size**2)


def init(params: IsingMachineParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return nothing: there is no state."""
    return ()


def advance(params: IsingMachineParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the machine, rounded to single precision as every machine is."""
    machine = ising_machine(params.size, params.temperature)
    return (), {name: part.astype(np.float32) for name, part in machine._asdict().items()}


ISING_MACHINE = Kernel(
    name="ising_machine",
    version=1,
    params=IsingMachineParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=lambda params: 1e-4 + 6e-9 * params.size**4,
    example=IsingMachineParams(size=3, temperature=2.0),
    description="the machine that is exactly the Ising model: one hidden unit per bond",
)
