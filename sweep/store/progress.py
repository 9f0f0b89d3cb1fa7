"""How far the points of a stage are: its arrays ``done`` and ``blocks``, of which each cell has a chunk of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sweep.store.arrays import regions
from sweep.store.chunks import StoredArray
from sweep.store.root import Metadata
from sweep.store.storage import Location, damage

STATES = ("done", "blocks", "computed_by")
"""The arrays of a stage that say how far its points are; all others hold results."""


@dataclass(frozen=True)
class Progress:
    """How far the points of a stage are.

    Parameters
    ----------
    done : bool array over the stage
    blocks : int array over the stage
    whole : bool array over the stage
        False where one of the two cannot be read.
    """

    done: npt.NDArray[np.bool_]
    blocks: npt.NDArray[np.int32]
    whole: npt.NDArray[np.bool_]

    @property
    def begun(self) -> bool:
        """Return whether something was computed, as far as can be known."""
        return bool(self.blocks.any() or not self.whole.all())


def read_progress(location: Location, nodes: Mapping[str, Metadata], stage: str) -> Progress:
    """Return how far every point of a stage is; of what cannot be read, nothing is known to be done."""
    done, whole = readable(location, f"{stage}/done", nodes[f"{stage}/done"])
    blocks, blocks_whole = readable(location, f"{stage}/blocks", nodes[f"{stage}/blocks"])
    return Progress(np.asarray(done, np.bool_), np.asarray(blocks, np.int32), whole & blocks_whole)


def readable(location: Location, path: str, metadata: Metadata) -> tuple[Any, Any]:
    """Return the values of an array, zero where a chunk cannot be read, and which values could be read."""
    array = StoredArray(location, path, metadata)
    whole = np.ones(array.shape, np.bool_)
    try:
        return array[...], whole
    except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
        damage(error)
    values = np.zeros(array.shape, array.dtype)
    for region in regions(array):
        try:
            values[region] = array[region]
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            damage(error)
            whole[region] = False
    return values, whole
