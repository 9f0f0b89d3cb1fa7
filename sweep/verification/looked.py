"""What a verification has looked at: without it, that nothing wrong was found says little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.errors import counted
from sweep.kernels.contract import Array
from sweep.store.storage import human_bytes


@dataclass(frozen=True)
class Looked:
    """What was looked at.

    Parameters
    ----------
    stages : tuple of str
    documents : int
        Metadata of nodes, the root's included.
    chunks, nbytes : int
        Chunks that were read, those of labels and of what is done included, and the size of their numbers.
    checkpoints : int
    points : int
        Points that were computed again.
    only_read : mapping of str to str
        Stages of which no point can be computed again, and why.
    elsewhere : mapping of str to int
        How many points were not computed again, by what else they were computed.
    """

    stages: tuple[str, ...]
    documents: int
    chunks: int
    nbytes: int
    checkpoints: int
    points: int
    only_read: Mapping[str, str]
    elsewhere: Mapping[str, int]

    def lines(self) -> Iterator[str]:
        """Yield in words what was looked at."""
        counts = (
            f"{counted(self.chunks, 'chunk')} ({human_bytes(self.nbytes)})",
            counted(self.checkpoints, "checkpoint"),
            counted(self.documents, "metadata document"),
        )
        stages = f"{counted(len(self.stages), 'stage')} ({', '.join(self.stages)})"
        yield f"looked at {stages}: read {', '.join(counts)}; computed {counted(self.points, 'point')} again"
        for stage, why in self.only_read.items():
            yield f"{stage}: only read, not computed again: {why}"
        for what, points in self.elsewhere.items():
            yield f"{counted(points, 'point')} computed {what}: not comparable here"


@dataclass
class Tally:
    """Counts what is looked at, as it happens."""

    documents: int = 0
    chunks: int = 0
    nbytes: int = 0
    checkpoints: int = 0
    points: int = 0
    only_read: dict[str, str] = field(default_factory=dict)
    elsewhere: Counter[str] = field(default_factory=Counter)

    def saw(self, values: Array, chunks: int = 1) -> None:
        """Count chunks that were read."""
        self.chunks += chunks
        self.nbytes += int(np.asarray(values).nbytes)

    def looked(self, stages: tuple[str, ...]) -> Looked:
        """Return what was looked at so far."""
        return Looked(
            stages,
            self.documents,
            self.chunks,
            self.nbytes,
            self.checkpoints,
            self.points,
            dict(self.only_read),
            dict(self.elsewhere),
        )
