"""The loop over the blocks of a point: the same numbers whoever computes them, in whatever order, after any pause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sweep.grid.axes import Label
from sweep.grid.grid import Stage
from sweep.grid.identity import stream
from sweep.kernels.contract import Arrays, Inputs, State
from sweep.run.process import lend
from sweep.run.results import checked_state, checked_step


def run_blocks(
    seed: int, stage: Stage, point: Mapping[str, Label], inputs: Inputs, start: tuple[int, State | None] = (0, None)
) -> Iterator[tuple[int, State, Arrays]]:
    """Yield the number, the state and the results of every remaining block of a point.

    Parameters
    ----------
    seed : int
        The grid's.
    stage : Stage
    point : mapping of axis to label
    inputs : Inputs
    start : (int, State or None)
        Blocks that are done and the state after them. Without a state the work begins at the first block, unless the
        kernel carries no state from block to block.
    """
    kernel, params, key = stage.kernel, stage.params_at(point), stage.key_at(point)
    first, state = start
    if state is None:
        state = checked_state(lend(kernel.init, params, stream(seed, key, None), inputs), "init")
        first = 0 if state else first
    for block in range(first, kernel.blocks(params)):
        step = lend(kernel.advance, params, state, stream(seed, key, block), inputs)
        state, results = checked_step(step, block)
        yield block, state, results
