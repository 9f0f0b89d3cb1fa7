"""The kernel ``block_spin``: one step of the renormalization group in space, over disjoint 2x2 blocks (Appendix B)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sweep.kernels.coarse_graining.ensemble import BLOCK, blocks, ensemble, next_block
from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, Output, State, parameter

RULES = ("average", "majority", "decimation")


@dataclass(frozen=True)
class BlockSpinParams:
    """What stands for a block.

    ``average`` is the paper's: h = (s1 + s2 + s3 + s4) / 4, kept as a real number. ``majority`` is the sign of that
    sum, by the toss of a fair coin where it is 0. ``decimation`` keeps the upper left spin.

    Averages of averages are averages over the larger block; a majority of majorities is not the majority there.

    Raises
    ------
    ValueError
        When a side of the data is odd, so that blocks do not fill it.
    """

    data_shape: tuple[int, ...] = parameter("configurations, rows and columns of the data, from the data")
    rule: str = parameter("spin that stands for a block", default="average", choices=RULES)

    def __post_init__(self) -> None:
        rows, columns = self.data_shape[1:]
        if rows % 2 or columns % 2:
            raise ValueError(f"data: found lattices of {rows}x{columns}; wanted even sides, which 2x2 blocks fill")


def outputs(params: BlockSpinParams) -> dict[str, Output]:
    """Return the outputs: configurations of block spins."""
    count, rows, columns = params.data_shape
    dtype, what = ("float32", "averages") if params.rule == "average" else ("int8", "+1 or -1")
    shape = (count, rows // 2, columns // 2)
    return {"spins": Output(("configuration", "y", "x"), shape, dtype, "", f"block spins, {what}", block=BLOCK)}


def init(params: BlockSpinParams, rng: np.random.Generator, inputs: Inputs) -> State:
    """Return the number of blocks of configurations that are done."""
    ensemble(inputs, "data", params.data_shape)
    return (np.array(0),)


def advance(params: BlockSpinParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return the block spins of the next configurations."""
    state, spins = next_block(state, ensemble(inputs, "data", params.data_shape))
    return state, {"spins": block_spins(spins, params.rule, rng)}


def block_spins(spins: Array, rule: str, rng: np.random.Generator) -> Array:
    """Return one spin for every 2x2 block.

    Parameters
    ----------
    spins : int8 or float32[configuration, y, x]
    rule : str
        One of `RULES`.
    rng : Generator
        Tosses a coin for every block when the rule is ``majority``.

    Returns
    -------
    float32 (``average``) or int8[configuration, y / 2, x / 2]
    """
    first = spins[:, ::2, ::2]
    if rule == "decimation":
        return first.copy()
    total = first + spins[:, ::2, 1::2] + spins[:, 1::2, ::2] + spins[:, 1::2, 1::2]
    if rule == "average":
        return np.asarray(total * np.float32(0.25))
    coin = rng.integers(2, size=total.shape, dtype=np.int8) * 2 - 1
    return np.where(total == 0, coin, np.sign(total)).astype(np.int8)


def cost(params: BlockSpinParams) -> float:
    """Return the seconds of one block."""
    count, rows, columns = params.data_shape
    return 1e-4 + min(count, BLOCK) * rows * columns * (3e-9 if params.rule == "majority" else 1.5e-9)


def example_inputs(params: BlockSpinParams, rng: np.random.Generator) -> Inputs:
    """Return independent spins."""
    return {"data": {"spins": rng.choice([-1, 1], params.data_shape, p=[0.3, 0.7]).astype(np.int8)}}


BLOCK_SPIN = Kernel(
    name="block_spin",
    version=1,
    params=BlockSpinParams,
    outputs=outputs,
    init=init,
    advance=advance,
    cost=cost,
    blocks=lambda params: blocks(params.data_shape),
    inputs={"data": ("spins",)},
    shapes={"data_shape": ("data", "spins")},
    follows=("data",),
    example=BlockSpinParams(data_shape=(2 * BLOCK, 4, 6), rule="majority"),
    example_inputs=example_inputs,
    description="block spins over 2x2 blocks: averages, majority or decimation",
)
