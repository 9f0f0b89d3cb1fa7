"""The kernel ``encode``: the hidden layer that a trained machine gives to configurations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sweep.kernels.coarse_graining.ensemble import BLOCK, blocks, ensemble, next_block
from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter
from sweep.kernels.rbm.machine import Machine, mean_h_from_v, sample_from_means
from sweep.kernels.rbm.reading import machine_of

ROWS = 500  # configurations of one matrix product; divides BLOCK


@dataclass(frozen=True)
class EncodeParams:
    """What is kept of the hidden units.

    Raises
    ------
    ValueError
        When the machine is for another number of visible units than the data have.
    """

    data_shape: tuple[int, ...] = parameter("configurations, rows and columns of the data, from the data")
    machine_shape: tuple[int, ...] = parameter("visible and hidden units of the machine, from the machine")
    statistics: str = parameter(
        "hidden units drawn from p(h|v) in +-1 (sampled), or their tanh means (mean_field)",
        default="sampled",
        choices=("sampled", "mean_field"),
    )

    def __post_init__(self) -> None:
        _, rows, columns = self.data_shape
        if rows * columns != self.visible:
            wanted = f"{rows * columns}, for lattices of {rows}x{columns}"
            raise ValueError(f"machine: found {self.visible} visible units; wanted {wanted}")

    @property
    def visible(self) -> int:
        """Return the number of visible units."""
        return self.machine_shape[0]

    @property
    def hidden(self) -> int:
        """Return the number of hidden units."""
        return self.machine_shape[1]


def outputs(params: EncodeParams) -> dict[str, Output]:
    """Return the outputs: ``spins`` laid on a square, row by row, where the number of hidden units is one."""
    count, side = params.data_shape[0], math.isqrt(params.hidden)
    dtype, what = ("int8", "+1 or -1") if params.statistics == "sampled" else ("float32", "means")

    def layer(dims: tuple[str, ...], *lengths: int) -> Output:
        shape = (count, *lengths)
        return Output(("configuration", *dims), shape, dtype, "", f"hidden units, {what}", block=BLOCK)

    if side**2 == params.hidden:
        return {"spins": layer(("y", "x"), side, side)}
    return {"hidden": layer(("hidden_unit",), params.hidden)}


def init(params: EncodeParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return the number of blocks of configurations that are done."""
    ensemble(inputs, "data", params.data_shape)
    machine_of(inputs["machine"], params.machine_shape)
    return (np.array(0),)


def advance(params: EncodeParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the hidden units of the next configurations."""
    state, spins = next_block(state, ensemble(inputs, "data", params.data_shape))
    hidden = hidden_from_spins(
        machine_of(inputs["machine"], params.machine_shape), spins, params.statistics == "sampled", rng
    )
    return state, {name: hidden.reshape(-1, *output.shape[1:]) for name, output in outputs(params).items()}


def hidden_from_spins(machine: Machine, spins: Array, sampled: bool, rng: np.random.Generator) -> Array:
    """Return int8 (`sampled`) or float32[configuration, hidden_unit], drawn from p(h|v) (eq 11) or its means (eq 13).

    All products have the same shape, the last one filled up: what a configuration gives does not depend, not even in
    the last bit, on how many come after it.
    """
    hidden = np.empty((len(spins), machine.hidden_bias.size), np.int8 if sampled else np.float32)
    v = np.zeros((ROWS, machine.visible_bias.size), np.float32)
    for first in range(0, len(spins), ROWS):
        rows = spins[first : first + ROWS].reshape(-1, v.shape[1])
        v[: len(rows)] = rows
        h = mean_h_from_v(machine, v)
        hidden[first : first + ROWS] = (sample_from_means(h, rng) if sampled else h)[: len(rows)]
    return hidden


def cost(params: EncodeParams) -> float:
    """Return the seconds of one block."""
    units = 2e-9 * params.visible + (1e-8 if params.statistics == "sampled" else 5e-9) * params.hidden
    return 1e-4 + min(params.data_shape[0], BLOCK) * (units + 4e-11 * params.visible * params.hidden)


def example_inputs(params: EncodeParams, rng: np.random.Generator) -> Inputs:
    """Return independent spins and a random machine."""
    machine = Machine(
        rng.normal(0, 0.3, params.machine_shape), rng.normal(0, 0.1, params.visible), rng.normal(0, 0.1, params.hidden)
    )
    return {
        "data": {"spins": rng.choice([-1, 1], params.data_shape).astype(np.int8)},
        "machine": {name: part.astype(np.float32) for name, part in machine._asdict().items()},
    }


ENCODE = Kernel(
    name="encode",
    version=1,
    params=EncodeParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    blocks=lambda params: blocks(params.data_shape),
    inputs={"machine": Machine._fields, "data": ("spins",)},
    shapes={"data_shape": ("data", "spins"), "machine_shape": ("machine", "weights")},
    follows=("data",),
    example=EncodeParams(data_shape=(2 * BLOCK, 3, 4), machine_shape=(12, 9)),
    example_inputs=example_inputs,
    description="hidden units of a trained machine, given configurations",
)
