"""How a field of the dataset becomes a Zarr array: its codecs, and what happens to one that is there."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ZstdCodec

from sweep.plan.template import Field


def require_array(group: zarr.Group, item: Field) -> None:
    """Make an array, or lengthen the one that is there; write its values where it is a coordinate."""
    if item.name in group:
        array = cast("Any", group[item.name])
        if array.shape != item.shape:
            array.resize(item.shape)
    else:
        array = group.create_array(
            item.name,
            shape=item.shape,
            dtype=cast("Any", item.dtype),
            chunks=item.chunks,
            fill_value=item.fill,
            dimension_names=item.dims,
            serializer="auto" if item.dtype == "str" else BytesCodec(),
            compressors=[_compressor(item.dtype), Crc32cCodec()],
            attributes=dict(item.attributes),
            config={"write_empty_chunks": True},
        )
    if dict(array.attrs) != dict(item.attributes):
        array.attrs.put(dict(item.attributes))
    if item.values is not None:
        array[...] = np.asarray(item.values, object if item.dtype == "str" else None)


def _compressor(dtype: str) -> BloscCodec | ZstdCodec:
    """Return what packs values best: bytes bit by bit, since spins and flags hold one bit each."""
    if dtype in ("int8", "uint8", "bool"):
        return BloscCodec(typesize=1, cname="zstd", clevel=1, shuffle="bitshuffle")
    return ZstdCodec(level=1)
