"""Datasets as tables: a row for every number, with its labels; what the columns mean stands in the file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sweep.errors import Problem, SweepError

ROWS = 2**20
"""Rows that are in memory together."""


def write_csv(data: xr.Dataset, facts: Mapping[str, Any], path: Path) -> None:
    """Write numbers so that reading them gives the same bits (``pandas.read_csv(file, comment="#")``)."""
    lines = [f"{key}: {_one_line(value)}" for key, value in {**facts, **_columns(data)}.items()]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in lines)
        for number, frame in enumerate(_frames(data, facts)):
            frame.to_csv(file, index=False, header=not number, na_rep="NaN", lineterminator="\n")


def _one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_one_line(item)}" for key, item in value.items())
    return " ".join(str(value).split())


def write_parquet(data: xr.Dataset, facts: Mapping[str, Any], path: Path) -> None:
    """Write a Parquet file; where the numbers come from stands in its schema, under the key ``sweep``."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    writer: Any = None
    about = {b"sweep": json.dumps({**facts, "columns": _columns(data)}).encode()}
    try:
        for frame in _frames(data, facts):
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema.with_metadata({**(table.schema.metadata or {}), **about}))
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _frames(data: xr.Dataset, facts: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table, at most about `ROWS` at a time: labels of all dimensions, then the variables."""
    dims = _common_dims(data, facts)
    counted = {dim: np.arange(data.sizes[dim]) for dim in dims if dim not in data.coords}
    scalars = [str(name) for name, label in data.coords.items() if not label.dims]
    data = data.assign_coords(counted)
    names = [str(name) for name in data.data_vars if name != "done"]
    for part in _parts([data.sizes[dim] for dim in dims]):
        block = data.isel(dict(zip(dims, part, strict=True)))
        if block["done"].any():
            frame = block.load().to_dataframe(dims or None).reset_index() if dims else _single(block)
            rows = frame[frame["done"].astype(bool)]
            yield _split_complex(rows[[*scalars, *dims, *names]])


def _common_dims(data: xr.Dataset, facts: Mapping[str, Any]) -> list[str]:
    """Return the dimensions of a table; raises SweepError when the variables have not all the same ones."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, values in data.data_vars.items():
        if name != "done":
            groups.setdefault(tuple(map(str, values.dims)), []).append(str(name))
    if len({frozenset(dims) for dims in groups}) > 1:
        lines = [f"{', '.join(names)} ({', '.join(dims) or 'no dimension'})" for dims, names in groups.items()]
        what = f"these do not fit in one table: {'; '.join(lines)}"
        way = "Choose those of one kind, each with --variable, or write all of them as .nc."
        raise SweepError(Problem(f"{facts['store']}: {facts['node']}", what), way)
    return list(next(iter(groups)))


def _parts(lengths: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Yield slices that together cover an array, each of about `ROWS` elements at most, in order."""
    if not lengths:
        yield ()
        return
    inner = math.prod(lengths[1:])
    step = max(1, ROWS // max(inner, 1))
    for start in range(0, lengths[0], step):
        rest = _parts(lengths[1:]) if inner > ROWS else [tuple(slice(0, n) for n in lengths[1:])]
        yield from ((slice(start, min(start + step, lengths[0])), *part) for part in rest)


def _single(block: xr.Dataset) -> pd.DataFrame:
    values = {str(name): [block[name].values[()]] for name in block.variables}
    return pd.DataFrame(values)


def _split_complex(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which the real and the imaginary part of a complex number are columns."""
    columns: dict[str, Any] = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype.kind == "c":
            columns |= {f"{name}_real": np.real(values), f"{name}_imag": np.imag(values)}
        else:
            columns[name] = values.array
    return pd.DataFrame(columns)


def _columns(data: xr.Dataset) -> dict[str, dict[str, str]]:
    """Return units and meaning of the columns, as far as they are known."""
    wanted = ("units", "reduced_units", "long_name", "description", "comment")
    known = {
        str(name): {key: str(v.attrs[key]) for key in wanted if v.attrs.get(key, "") != ""}
        for name, v in data.variables.items()
    }
    return {name: words for name, words in known.items() if words and name != "done"}
