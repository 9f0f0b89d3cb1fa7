"""How results stand in the store: the type that they are kept in, and what stands where nothing was computed.

Whoever reads with xarray must not take an undone point for a result: floats and complex numbers are NaN there, words
empty, and integers a value that ``_FillValue`` names, so that xarray masks it. Booleans and unsigned integers have no
value to spare; they are kept in the next signed type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sweep.kernels.contract import Array, Output

SIGNED = {"bool": "int8", "uint8": "int16", "uint16": "int32", "uint32": "int64"}


def stored_dtype(output: Output) -> str:
    """Return the type that the values of an output are kept in."""
    return SIGNED.get(output.dtype, output.dtype)


def fill_value(dtype: str) -> Any:
    """Return what stands where nothing was computed.

    NaN for floats, NaN + NaN i for complex numbers, the empty word, the smallest value of a signed integer (of int64
    the smallest that has 32 bits, which netCDF 3 can name as well), and the largest of uint64.
    """
    if dtype == "str":
        return ""
    kind = np.dtype(dtype).kind
    if kind in "iu":
        return max(int(np.iinfo(dtype).min), -(2**31)) if kind == "i" else int(np.iinfo(dtype).max)
    return complex(np.nan, np.nan) if kind == "c" else np.nan


def label_fill(dtype: str, labels: Any) -> Any:
    """Return what stands for labels whose file is lost: a value that is no label, or as little of one as can be."""
    if dtype == "bool":
        return not np.ravel(labels)[0]
    if dtype == "str" or np.dtype(dtype).kind not in "iu":
        return fill_value(dtype)
    ends = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return next((end for end in sorted(ends, key=abs, reverse=True) if not np.any(np.equal(labels, end))), 0)


def value_attributes(output: Output) -> dict[str, Any]:
    """Return the attributes, as CF has them, that say what the values of an output stand for."""
    dtype = stored_dtype(output)
    if dtype == "str" or np.dtype(dtype).kind not in "iu":
        return {}
    meaning = {"comment": "0 is false, 1 is true"} if output.dtype == "bool" else {}
    return {"_FillValue": fill_value(dtype), **meaning}


def empty(shape: Sequence[int], output: Output) -> Array:
    """Return an array as the store keeps it, with nothing computed."""
    dtype = stored_dtype(output)
    return np.full(shape, fill_value(dtype), object if dtype == "str" else dtype)


def as_stored(values: Any, output: Output) -> Array:
    """Return values as the store keeps them: those of a kernel, or those of a store that kept them otherwise.

    Stores of earlier versions have booleans as they are, and of words the number in `Output.words`.
    """
    found = np.asarray(values)
    if output.dtype != "str":
        return found.astype(SIGNED[output.dtype]) if output.dtype in SIGNED else found
    if found.dtype.kind in "iu":
        words = np.array([*output.words, ""], object)
        return np.asarray(words[np.where((found >= 0) & (found < len(output.words)), found, len(output.words))], object)
    return found.astype(object)


def as_declared(values: Any, output: Output) -> Array:
    """Return values of the store as the kernel that made them gave them, and one that reads them expects them."""
    found = as_stored(values, output)
    return np.asarray(found == 1) if output.dtype == "bool" else found.astype(output.dtype, copy=False)


def same_values(found: Array, kept: Array) -> bool:
    """Return whether two arrays, both as the store keeps them, have the same values to the bit."""
    if kept.dtype.kind == "O":
        return found.shape == kept.shape and found.astype(object).tolist() == kept.tolist()
    found = found.astype(kept.dtype)
    return bool(found.shape == kept.shape and found.tobytes() == kept.tobytes())
