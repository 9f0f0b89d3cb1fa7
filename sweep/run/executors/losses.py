"""Losses that count for no task, of nodes and of actors that had none: too many in a row end a launch."""

from __future__ import annotations

from sweep.errors import Problem, SweepError
from sweep.run.account import At

LOSSES = 20  # in a row, with nothing done in between


class Losses:
    """Counts losses since something was done last: a task, or a block that no worker had come to before.

    A point that takes days is one task; whoever loses a machine every hour still gets on with it.
    """

    def __init__(self) -> None:
        self._row: list[str] = []  # the nodes, empty where there was none
        self._furthest: dict[tuple[str, int], int] = {}  # block of each point that is at work, by its stage and number

    def note_done(self) -> None:
        """Note that a task is done."""
        self._row.clear()
        self._furthest.clear()

    def note_at(self, at: At) -> None:
        """Note where a worker is."""
        point = at.task.stage, at.point
        if at.block > self._furthest.get(point, 0):
            self._furthest[point] = at.block
            self._row.clear()

    def add(self, node: str | None, reason: str) -> None:
        """Note a loss; a node and all that is on it are one.

        Raises
        ------
        SweepError
            When it is one too many.
        """
        if node is None or node not in self._row:
            self._row.append(node or "")
        if len(self._row) > LOSSES:
            what = f"{len(self._row)} workers or nodes were lost in a row with nothing done; the last: {reason}"
            raise SweepError(Problem("Ray", what))
