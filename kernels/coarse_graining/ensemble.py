"""Configurations as the kernels of this room read them: one ensemble, block by block."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Array, Inputs, State

BLOCK = 2000  # configurations of one block of work


def ensemble(inputs: Inputs, name: str, shape: tuple[int, ...]) -> Array:
    """Return the spins of one input, [configuration, row, column], as a view.

    Raises
    ------
    ValueError
        When more than one ensemble arrives: an axis in front may have one label only.
    """
    spins = inputs[name]["spins"]
    if spins.size != int(np.prod(shape)):
        raise ValueError(
            f"{name}: found spins of shape {spins.shape}; wanted {shape[0]} configurations of {shape[1]}x{shape[2]} "
            "spins: give this stage the axes of the data, or select one label of the others"
        )
    return spins.reshape(shape)


def blocks(shape: tuple[int, ...]) -> int:
    """Return how many blocks of work the configurations are."""
    return -(-shape[0] // BLOCK)


def next_block(state: State, spins: Array) -> tuple[State, Array]:
    """Return the state after one more block, and the configurations of that block.

    The state is the number of blocks that are done: all that one block passes on to the next.
    """
    (done,) = state
    return (done + 1,), spins[int(done) * BLOCK : (int(done) + 1) * BLOCK]
