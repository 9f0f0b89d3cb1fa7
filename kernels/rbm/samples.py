"""The kernel ``rbm_samples``: configurations that a machine makes, by parallel tempering."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.machine import Machine, free_energy
from sweep.kernels.rbm.partition import PartitionParams, base_of
from sweep.kernels.rbm.partition import example_inputs as machine_inputs
from sweep.kernels.rbm.reading import machine_of
from sweep.kernels.rbm.tempering import Ladders, Rungs, settled_rungs, settling_steps

TIMES = 20  # samples of every ladder in a block


@dataclass(frozen=True)
class SamplesParams:
    """How a machine is sampled."""

    machine_shape: tuple[int, ...] = parameter("visible and hidden units of the machine, from the machine")
    configurations: int = parameter("configurations of all ladders together", default=2000, ge=1, extent=True)
    ladders: int = parameter("independent ladders, whose scatter is an error", default=10, ge=1)
    rungs: int = parameter("machines on a ladder, from independent spins to the machine", default=16, ge=2)
    interval: int = parameter("steps between two samples of a ladder", default=5, ge=1)
    rounds: int = parameter("rounds in which rungs find their places, each twice as long as the last", default=4, ge=0)
    base: str = parameter(
        "independent spins at the start: without biases (uniform), or with those of the machine (visible_bias)",
        default="uniform",
        choices=("uniform", "visible_bias"),
    )

    @property
    def block(self) -> int:
        """Return the configurations of one block."""
        return TIMES * self.ladders


def outputs(params: SamplesParams) -> dict[str, Output]:
    """Return the outputs: ``spins`` where visible units fill a square, ``visible_units`` where not; and mixing."""
    visible, side = params.machine_shape[0], math.isqrt(params.machine_shape[0])

    def series(dims: tuple[str, ...], lengths: tuple[int, ...], dtype: str, description: str) -> Output:
        shape = (params.configurations, *lengths)
        return Output(("configuration", *dims), shape, dtype, "", description, block=params.block)

    square = side**2 == visible
    units = (
        {"spins": series(("y", "x"), (side, side), "int8", "spins, +1 or -1")}
        if square
        else {"visible_units": series(("visible",), (visible,), "int8", "visible units, +1 or -1")}
    )
    return {
        **units,
        "free_energy": series((), (), "float64", "free energy of the visible units, without ln Z"),
        "ladder": series((), (), "int32", "which of the independent ladders a configuration comes from"),
        "share_of_machine": Output(("rung",), (params.rungs,), "float64", description="t of the rungs"),
        "exchange_rate": Output(
            ("rung_below",), (params.rungs - 1,), "float64", description="share of exchanges with the next rung made"
        ),
        "log_partition": Output((), (), "float64", description="ln Z, from exchanges between neighbours"),
        "log_partition_error": Output((), (), "float64", description="standard error of ln Z, over ladders"),
        "round_trips": Output(
            (), (), "float64", description="ways from t = 0 to 1 and back of all rungs of a ladder, in one of its steps"
        ),
    }


def init(params: SamplesParams, rng: np.random.Generator, inputs: Inputs) -> Rungs:
    """Return ladders that have settled."""
    machine = machine_of(inputs["machine"], params.machine_shape)
    shape = params.ladders, params.rungs
    return settled_rungs(machine, base_of(machine, params.base), shape, params.rounds, rng)


def advance(params: SamplesParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[Rungs, Arrays]:
    """Return the next configurations, those of all ladders at one time after the other, and how ladders mix so far."""
    machine = machine_of(inputs["machine"], params.machine_shape)
    before = Rungs(*state)
    ladders = Ladders(machine, base_of(machine, params.base), before, rng)
    samples = []
    for _ in range(TIMES):
        for _ in range(params.interval):
            ladders.step()
        samples.append(ladders.samples)
    rungs, v = ladders.rungs, np.concatenate(samples)
    left = params.configurations - int(before.steps[0]) // params.interval * params.ladders
    name, units = next(iter(outputs(params).items()))
    whole = {
        name: v.reshape(-1, *units.shape[1:]),
        "free_energy": free_energy(machine, v.astype(np.float32)).astype(np.float64),
        "ladder": np.tile(np.arange(params.ladders, dtype=np.int32), TIMES),
    }
    value, error = ladders.log_partition
    return rungs, {
        **{name: values[:left] for name, values in whole.items()},
        "share_of_machine": rungs.t,
        "exchange_rate": 1 - rungs.rejected,
        "log_partition": np.array(value),
        "log_partition_error": np.array(error),
        "round_trips": np.array(rungs.trips[0] / (rungs.steps[0] * params.ladders)),
    }


def blocks(params: SamplesParams) -> int:
    """Return how many blocks give all configurations."""
    return -(-params.configurations // params.block)


def cost(params: SamplesParams) -> float:
    """Return the seconds of one block and of its share of the steps in which the ladders settle."""
    visible, hidden = params.machine_shape
    rows = params.ladders * params.rungs
    steps = TIMES * params.interval + settling_steps(params.rounds) / blocks(params)
    step = 1.1e-4 + rows * (5.8e-11 * visible * hidden + 2e-8 * hidden + 3e-9 * visible)
    return steps * step


def example_inputs(params: SamplesParams, rng: np.random.Generator) -> Inputs:
    """Return a random machine."""
    return machine_inputs(PartitionParams(params.machine_shape), rng)


RBM_SAMPLES = Kernel(
    name="rbm_samples",
    version=1,
    params=SamplesParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    blocks=blocks,
    inputs={"machine": Machine._fields},
    shapes={"machine_shape": ("machine", "weights")},
    example=SamplesParams(machine_shape=(9, 4), configurations=150, ladders=3, rungs=4, rounds=1),
    example_inputs=example_inputs,
    description="configurations of a machine by parallel tempering",
)
