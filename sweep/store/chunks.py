"""An array of the store, chunk by chunk: what lies along its chunks is read and written by the thread that asks.

Zarr hands each chunk from thread to thread, a millisecond for some bytes, and a store may have a hundred thousand of
those. Its files stay what Zarr reads and writes: the same keys, the same codecs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import google_crc32c
import numcodecs
import numpy as np
import numpy.typing as npt
import zarr
from zarr.core.chunk_key_encodings import parse_chunk_key_encoding
from zarr.dtype import parse_dtype
from zarr.storage import StorePath

from sweep.planning.plan import Region
from sweep.store.root import Metadata
from sweep.store.storage import Location

_SHUFFLES = {"noshuffle": 0, "shuffle": 1, "bitshuffle": 2}

Array = npt.NDArray[Any]
Index = tuple[int, ...]


class StoredArray:
    """An array of the store, as its metadata describe it. What is not here, `zarr.Array` has.

    A chunk of fill values is written too: what is absent was never computed.

    Parameters
    ----------
    location : Location
    path : str
        Where its chunks lie in the store.
    metadata : Metadata
        Zarr's, whatever the node's own document says.
    """

    def __init__(self, location: Location, path: str, metadata: Metadata) -> None:
        self._location, self._path, self._metadata = location, path, metadata
        self._type: Any = parse_dtype(metadata["data_type"], zarr_format=3)
        self._keys: Any = parse_chunk_key_encoding(metadata["chunk_key_encoding"])
        self.dtype: np.dtype[Any] = self._type.to_native_dtype()
        self.shape: Index = tuple(metadata["shape"])
        self.chunks: Index = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])

    @cached_property
    def fill_value(self) -> Any:
        """Return what stands where nothing was written."""
        return self._type.from_json_scalar(self._metadata["fill_value"], zarr_format=3)

    @cached_property
    def _zarr(self) -> Any:
        metadata: Any = dict(self._metadata)
        place = StorePath(self._location.zarr, self._path)
        return zarr.Array(zarr.AsyncArray(metadata, place, {"write_empty_chunks": True}))

    @cached_property
    def _codec(self) -> _Codec | None:
        return _codec(self._metadata)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # its own, which a copy that is being made has not yet, or which raised this
            return object.__getattribute__(self, name)
        return getattr(self._zarr, name)

    def key(self, index: Index) -> str:
        """Return where in the store a chunk lies."""
        return f"{self._path}/{self._keys.encode_chunk_key(index)}"

    def chunk(self, index: Index) -> Array:
        """Return the values of a chunk, those of one at the edge up to there; fill values where there is none."""
        starts = zip(index, self.chunks, self.shape, strict=True)
        return self[tuple(slice(i * step, min((i + 1) * step, n)) for i, step, n in starts)]

    def __getitem__(self, selection: Any) -> Array:
        parts = self._parts(selection)
        if parts is None or self._codec is None or self._is_for_zarr(parts):
            return np.asarray(self._zarr[selection])
        values = np.full([part.stop - part.start for part in parts], self.fill_value, self.dtype)
        for index in self._touched(parts):
            raw = self._location.get(self.key(index))
            if raw is not None:
                inside, outside = self._overlap(index, parts)
                values[outside] = self._codec.unpack(raw).view(values.dtype).reshape(self.chunks)[inside]
        return values

    def __setitem__(self, selection: Any, values: Any) -> None:
        parts = self._parts(selection)
        if parts is None or self._codec is None or self._is_for_zarr(parts) or not self._is_whole(parts):
            self._zarr[selection] = values
            return
        dtype = self.dtype
        wanted = np.broadcast_to(np.asarray(values, dtype), [part.stop - part.start for part in parts])
        for index in self._touched(parts):
            inside, outside = self._overlap(index, parts)
            chunk = np.full(self.chunks, self.fill_value, dtype)
            chunk[inside] = wanted[outside]
            self._location.put(self.key(index), self._codec.pack(chunk), at_once=False)

    def _parts(self, selection: Any) -> Region | None:
        """Return what a selection covers of each dimension; None where it is not a part without gaps."""
        given = selection if isinstance(selection, tuple) else (selection,)
        given = () if given == (...,) else given
        if any(not isinstance(part, slice) or part.step not in {None, 1} for part in given):
            return None
        padded = itertools.chain(given, itertools.repeat(slice(None)))
        ends = [part.indices(n)[:2] for n, part in zip(self.shape, padded, strict=False)]
        return tuple(slice(start, max(start, stop)) for start, stop in ends)

    def _is_for_zarr(self, parts: Region) -> bool:
        """Return whether Zarr is faster: it asks a service for many chunks at once."""
        return self._location.local_path is None and math.prod(map(len, self._ranges(parts))) > 1

    def _is_whole(self, parts: Region) -> bool:
        """Return whether chunks are covered whole, so that nothing of them must be read before they are written."""
        each = zip(parts, self.chunks, self.shape, strict=True)
        return all(part.start % step == 0 and (part.stop % step == 0 or part.stop == n) for part, step, n in each)

    def _ranges(self, parts: Region) -> list[range]:
        each = zip(parts, self.chunks, strict=True)
        return [range(part.start // step, math.ceil(part.stop / step)) for part, step in each]

    def _touched(self, parts: Region) -> Iterator[Index]:
        return itertools.product(*self._ranges(parts)) if all(part.start < part.stop for part in parts) else iter(())

    def _overlap(self, index: Index, parts: Region) -> tuple[Region, Region]:
        """Return where what a chunk and a part share lies within the one and within the other."""
        inside, outside = [], []
        for i, step, part in zip(index, self.chunks, parts, strict=True):
            start, stop = max(part.start, i * step), min(part.stop, (i + 1) * step)
            inside.append(slice(start - i * step, stop - i * step))
            outside.append(slice(start - part.start, stop - part.start))
        return tuple(inside), tuple(outside)


@dataclass(frozen=True)
class _Codec:
    """Numbers as bytes, compressed, with a checksum."""

    compress: Callable[[Array], bytes]
    decompress: Callable[[bytes], bytes]

    def pack(self, values: Array) -> bytes:
        """Return the bytes of a chunk."""
        little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        packed = bytes(self.compress(little.reshape(-1).view(np.uint8)))
        return packed + int(google_crc32c.value(packed)).to_bytes(4, "little")

    def unpack(self, raw: bytes) -> npt.NDArray[np.uint8]:
        """Return the bytes of the numbers of a chunk; raises ValueError when they are not those that were packed."""
        packed = raw[:-4]
        if google_crc32c.value(packed) != int.from_bytes(raw[-4:], "little"):
            raise ValueError("the checksum is another")
        return np.frombuffer(self.decompress(packed), np.uint8)


def _codec(metadata: Metadata) -> _Codec | None:
    """Return what packs the chunks of an array; None where only Zarr can tell."""
    names = [codec["name"] for codec in metadata["codecs"]]
    if names not in (["bytes", "zstd", "crc32c"], ["bytes", "blosc", "crc32c"]):
        return None
    settings = dict(metadata["codecs"][1]["configuration"])
    if names[1] == "blosc":
        settings["shuffle"] = _SHUFFLES[settings["shuffle"]]
    compressor = numcodecs.get_codec({"id": names[1], **settings})
    return _Codec(compressor.encode, compressor.decode)
