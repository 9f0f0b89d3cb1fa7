"""Arrays by their metadata: what a field of the dataset looks like to Zarr, and under which keys its chunks lie."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from sweep.planning.plan import Region
from sweep.planning.template import Field
from sweep.store.root import DOCUMENT, Metadata


def array_metadata(item: Field, *, beside: Metadata | None = None) -> Metadata:
    """Return the Zarr metadata of an array, as JSON has them.

    Parameters
    ----------
    item : Field
    beside : Metadata, optional
        An array of the same path whose chunks must stay untouched: the new one keeps its own under other keys.
    """
    prototype = _prototype(item.dtype, len(item.shape))
    metadata = {
        **prototype,
        "shape": list(item.shape),
        "chunk_grid": {**prototype["chunk_grid"], "configuration": {"chunk_shape": [max(n, 1) for n in item.chunks]}},
        "fill_value": _fill_as_json(item),
        "attributes": json.loads(json.dumps(dict(item.attributes))),
    }
    if item.dims:
        metadata["dimension_names"] = list(item.dims)
    if beside is not None and beside["chunk_key_encoding"] == metadata["chunk_key_encoding"]:
        metadata["chunk_key_encoding"] = _other_encoding(len(item.shape))
    return metadata


def group_metadata(attributes: Mapping[str, Any]) -> Metadata:
    """Return the Zarr metadata of a group, as JSON has them."""
    return {"attributes": json.loads(json.dumps(dict(attributes))), "zarr_format": 3, "node_type": "group"}


def regions(array: Any) -> Iterator[Region]:
    """Yield every chunk of an array as the slices that it covers."""
    grid = [range(0, n, step) for n, step in zip(array.shape, array.chunks, strict=True)]
    for starts in itertools.product(*grid):
        limits = zip(starts, array.chunks, array.shape, strict=True)
        yield tuple(slice(start, min(start + step, n)) for start, step, n in limits)


def is_chunk_of(key: str, path: str, metadata: Metadata) -> bool:
    """Return whether a key below an array is that of one of its chunks, or the array's own document."""
    rest = key.removeprefix(f"{path}/")
    if rest == DOCUMENT:
        return True
    encoding = metadata["chunk_key_encoding"]
    if not metadata["shape"]:
        return rest == ("0" if encoding["name"] == "v2" else "c")
    return rest.startswith(f"c{encoding['configuration']['separator']}")


def owner(key: str, nodes: Mapping[str, Metadata]) -> str | None:
    """Return the path of the array that a key lies in or below, None when it is no array's."""
    return next((path for path in _parents(key) if path in nodes and nodes[path]["node_type"] == "array"), None)


def _parents(key: str) -> Iterable[str]:
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


@functools.cache
def _prototype(dtype: str, dimensions: int) -> Metadata:
    """Return the metadata of a small array with the codecs that suit a dtype."""
    memory = MemoryStore()
    zarr.create_array(
        memory,
        shape=(1,) * dimensions,
        dtype=dtype,
        chunks=(1,) * dimensions,
        serializer="auto" if dtype == "str" else BytesCodec(),
        compressors=[_compressor(dtype), Crc32cCodec()],
    )
    raw = sync(memory.get(DOCUMENT, default_buffer_prototype()))
    metadata: Metadata = json.loads(raw.to_bytes()) if raw is not None else {}
    return metadata


def _other_encoding(dimensions: int) -> Metadata:
    """Return an encoding of chunk keys beside Zarr's usual c/0/1 and c: c.0.1, and 0 for a single number."""
    name = "default" if dimensions else "v2"
    return {"name": name, "configuration": {"separator": "."}}


def _fill_as_json(item: Field) -> Any:
    """Return the fill value as Zarr 3 writes it: NaN by its name, a complex number as its two parts."""
    if item.dtype == "str":
        return item.fill
    value = np.dtype(item.dtype).type(item.fill)
    parts = [value.real, value.imag] if np.iscomplexobj(value) else [value]
    written = ["NaN" if np.isnan(part) else part.item() for part in parts]
    return written if np.iscomplexobj(value) else written[0]


def _compressor(dtype: str) -> BloscCodec | ZstdCodec:
    """Return what packs values best: bytes bit by bit, since spins and flags hold one bit each."""
    if dtype in ("int8", "uint8", "bool"):
        return BloscCodec(typesize=1, cname="zstd", clevel=1, shuffle="bitshuffle")
    return ZstdCodec(level=1)
