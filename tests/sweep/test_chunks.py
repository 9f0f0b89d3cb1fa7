"""Chunks are read and written past Zarr: they must be what Zarr reads and writes, to the byte."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.planning.template import Field
from sweep.store.arrays import array_metadata
from sweep.store.chunks import StoredArray
from sweep.store.storage import Location

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "float32", "float64", "complex64", "complex128"]
SHAPES = st.lists(st.tuples(st.integers(1, 7), st.integers(1, 8)), max_size=3)  # length and chunk of each dimension


def laid_out(folder: Path, name: str, dtype: str, layout: list[tuple[int, int]]) -> tuple[StoredArray, Any]:
    """Return an array of a store, and the same one as Zarr opens it."""
    shape, chunks = tuple(n for n, _ in layout), tuple(min(step, n) for n, step in layout)
    dims = tuple(f"d{i}" for i in range(len(shape)))
    metadata: Any = array_metadata(Field(name, dims, shape, chunks, dtype, 0, {}))
    location = Location(str(folder))
    array = StoredArray(location, name, metadata)
    place = zarr.storage.StorePath(location.zarr, name)
    return array, zarr.Array(zarr.AsyncArray(dict(metadata), place, {"write_empty_chunks": True}))


def numbers(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=shape) * 50 + 1j * rng.normal(size=shape)).astype(dtype)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layout=SHAPES, dtype=st.sampled_from(DTYPES), seed=st.integers(0, 2**32), data=st.data())
def test_it_reads_and_writes_what_zarr_does(
    tmp_path_factory: pytest.TempPathFactory, layout: list[tuple[int, int]], dtype: str, seed: int, data: st.DataObject
) -> None:
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    array, _ = laid_out(ours, "x", dtype, layout)
    _, other = laid_out(theirs, "x", dtype, layout)
    values = numbers(dtype, array.shape, seed)
    array[...] = other[...] = values
    assert files(ours) == files(theirs)
    _, opened = laid_out(ours, "x", dtype, layout)
    np.testing.assert_array_equal(opened[...], values)

    ends = [sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in array.shape]
    part = tuple(slice(*pair) for pair in ends)
    np.testing.assert_array_equal(array[part], values[part])
    array[part] = other[part] = new = numbers(dtype, values[part].shape, seed + 1)
    values[part] = new
    assert files(ours) == files(theirs), "a part that is not of whole chunks is Zarr's"
    np.testing.assert_array_equal(array[...], values)


def test_a_chunk_that_is_not_there_reads_as_the_fill_value(tmp_path: Path) -> None:
    array, other = laid_out(tmp_path, "x", "int32", [(5, 2)])
    array[2:4] = [7, 8]
    assert list(files(tmp_path)) == ["x/c/1"]
    assert array[...].tolist() == other[...].tolist() == [0, 0, 7, 8, 0]
    assert [array.chunk((i,)).tolist() for i in range(3)] == [[0, 0], [7, 8], [0]]


def test_a_copy_reads_the_same(tmp_path: Path) -> None:
    array, _ = laid_out(tmp_path, "x", "int32", [(4, 2)])
    array[...] = [1, 2, 3, 4]
    for other in (copy.copy(array), pickle.loads(pickle.dumps(array))):
        assert other[...].tolist() == [1, 2, 3, 4]
        assert other.dtype == np.int32


def test_what_zarr_cannot_do_is_said_as_it_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array, _ = laid_out(tmp_path, "x", "float64", [(4, 2)])
    monkeypatch.delattr(zarr, "AsyncArray")
    with pytest.raises(AttributeError, match="has no attribute 'AsyncArray'"):
        array[::2]


def test_what_has_gaps_is_left_to_zarr(tmp_path: Path) -> None:
    array, _ = laid_out(tmp_path, "x", "int32", [(6, 2), (3, 3)])
    array[...] = np.arange(18).reshape(6, 3)
    assert array[::2, 1].tolist() == [1, 7, 13]
    assert array[4].tolist() == [12, 13, 14]


@pytest.mark.parametrize("dtype", ["bool", "float64"])
@pytest.mark.parametrize("what", ["flipped", "cut", "emptied", "of another shape"])
def test_damage_is_never_read_as_numbers(tmp_path: Path, dtype: str, what: str) -> None:
    array, _ = laid_out(tmp_path, "x", dtype, [(8, 4)])
    array[...] = 1
    large, _ = laid_out(tmp_path, "large", dtype, [(8, 8)])
    large[...] = 1
    path = tmp_path / "x" / "c" / "1"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    other = (tmp_path / "large" / "c" / "0").read_bytes()
    path.write_bytes({"flipped": raw, "cut": raw[:-5], "emptied": b"", "of another shape": other}[what])
    with pytest.raises((ValueError, RuntimeError)):
        array[...]
    assert array[:4].tolist() == [1, 1, 1, 1]
