"""How far the points of a stage are: its arrays ``done`` and ``blocks``, of which each cell has a chunk of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import google_crc32c
import numcodecs.blosc
import numcodecs.zstd
import numpy as np
import numpy.typing as npt

from sweep.store.arrays import open_array, regions
from sweep.store.root import Metadata
from sweep.store.storage import Location, damage

STATES = ("done", "blocks", "computed_by")
"""The arrays of a stage that say how far its points are; all others hold results."""

Unpack = Callable[[bytes], npt.NDArray[np.uint8]]
_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "blosc": numcodecs.blosc.decompress,
    "zstd": numcodecs.zstd.decompress,
}


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
    """Return the values of an array, zero where a chunk cannot be read, and which values could be read.

    The chunks of a local store are read here, one after the other: Zarr takes several times as long for each, and a
    store may have a hundred thousand of a few bytes.
    """
    array = open_array(location, path, metadata)
    unpack = _unpacking(metadata) if location.local_path is not None else None
    whole = np.ones(array.shape, np.bool_)
    if unpack is None:
        try:
            return np.asarray(array[...]), whole
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            damage(error)
    values = np.full(array.shape, array.fill_value, array.dtype)
    dtype, chunk, key_of = array.dtype, array.chunks, array.metadata.encode_chunk_key
    places = itertools.product(*(range(-(-n // step)) for n, step in zip(array.shape, chunk, strict=True)))
    for place, region in zip(places, regions(array), strict=True):
        try:
            if unpack is None:
                values[region] = array[region]
            elif (raw := location.get(f"{path}/{key_of(place)}")) is not None:
                inside = tuple(slice(part.stop - part.start) for part in region)
                values[region] = unpack(raw).view(dtype).reshape(chunk)[inside]
        except Exception as error:  # noqa: BLE001 - damage shows as any exception of any layer
            damage(error)
            values[region], whole[region] = 0, False
    return values, whole


def _unpacking(metadata: Metadata) -> Unpack | None:
    """Return what makes the bytes of numbers out of those of a chunk, None where only Zarr can tell."""
    codecs = [codec["name"] for codec in metadata["codecs"]]
    decompress = _DECOMPRESS.get(codecs[1]) if len(codecs) == 3 else None
    if decompress is None or (codecs[0], codecs[2]) != ("bytes", "crc32c"):
        return None

    def unpack(raw: bytes) -> npt.NDArray[np.uint8]:
        packed = raw[:-4]
        if google_crc32c.value(packed) != int.from_bytes(raw[-4:], "little"):
            raise ValueError("the checksum is another")
        return np.frombuffer(decompress(packed), np.uint8)

    return unpack
