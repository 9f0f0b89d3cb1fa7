"""One node of a store as one file: netCDF, or a table with a row for every number."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from sweep.api.trees import tree_of
from sweep.cli.tables import write_csv, write_parquet
from sweep.errors import Problem, SweepError, did_you_mean
from sweep.planning.attributes import as_attributes, from_attribute
from sweep.store.progress import STATES
from sweep.store.store import Store, required_manifest

NEEDS = {".nc": ("netCDF4",), ".parquet": ("pyarrow",), ".csv": ()}


def export_node(store: Store, node: str, target: Path, names: Sequence[str] = (), *, force: bool = False) -> None:
    """Write the variables of a node to one file, points that are not done left out or missing.

    Parameters
    ----------
    node : str
        A stage, or a node below it such as ``ising/size=10``.
    target : Path
        Its ending says what is written: netCDF (``.nc``), or a table (``.csv``, ``.parquet``).
    names : sequence of str
        The variables; all of the node when empty. Those of a table must have the same dimensions.
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    SweepError
        When there is nothing to write, no place for it, or no way to write it so.
    """
    _check_target(target, force)
    manifest = required_manifest(store)
    with tree_of(store, as_stored=True) as tree:
        data = _chosen(tree, node.strip("/"), names, store.location.place)
        facts = _facts(manifest, node.strip("/"), tree, store.location.place)
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.partial")
        try:
            WRITERS[target.suffix](data, facts, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def _check_target(target: Path, force: bool) -> None:
    if target.suffix not in NEEDS:
        raise SweepError(Problem(str(target), f"found the ending {target.suffix!r}; wanted {', '.join(NEEDS)}"))
    missing = [name for name in NEEDS[target.suffix] if find_spec(name) is None]
    if missing:
        what = f"{target.suffix} needs {missing[0]}, which is not installed; pip install 'sweep-rg[export]'"
        raise SweepError(Problem(str(target), what))
    if not target.parent.is_dir():
        raise SweepError(Problem(str(target), f"there is no folder {target.parent}"))
    if target.exists() and not force:
        raise SweepError(Problem(str(target), "is there already; choose another name, or say --force to replace it"))


def _chosen(tree: xr.DataTree, node: str, names: Sequence[str], place: str) -> xr.Dataset:
    """Return the variables asked for, with a variable `done` over those axes of the stage that the node has."""
    nodes = [one.path.strip("/") for one in tree.subtree if one.path != "/"]
    if node not in nodes:
        raise SweepError(Problem(place, f"no stage or node {node!r}; {did_you_mean(node, nodes)}"))
    data = _dataset(tree, node)
    there = [str(name) for name in data.data_vars if name not in STATES]
    for name in names:
        if name not in there:
            raise SweepError(Problem(f"{place}: {node}", f"no variable {name!r}; {did_you_mean(name, there)}"))
    done = tree[node.partition("/")[0]].to_dataset()["done"].load()
    at = {axis: data[axis].item() for axis in done.dims if axis in data.coords and not data[axis].dims}
    done = done.sel(at, drop=True)
    if not done.any():
        raise SweepError(Problem(f"{place}: {node}", "nothing is done there yet"))
    return _sorted(data[list(names) or there].assign(done=done))


def _dataset(tree: xr.DataTree, node: str) -> xr.Dataset:
    """Return a node with the labels of its dimensions, which it may have from the stage above.

    What xarray itself hands down includes the axis that the node stands at one label of, all of its labels.
    """
    own, above = cast("xr.DataTree", tree[node]).to_dataset(inherit=False), tree[node.partition("/")[0]].coords
    return own.assign_coords({dim: above[str(dim)] for dim in own.dims if dim not in own.coords and dim in above})


def _sorted(data: xr.Dataset) -> xr.Dataset:
    """Return the data with the axes of numbers ascending, which they are not in all old stores."""
    axes = [axis for axis in data["done"].dims if data[axis].dtype.kind in "biuf"]
    return data.sortby([axis for axis in axes if not data.indexes[axis].is_monotonic_increasing])


def _facts(manifest: Mapping[str, Any], node: str, tree: xr.DataTree, place: str) -> dict[str, Any]:
    """Return where the numbers come from."""
    stage = node.partition("/")[0]
    entry, attributes = manifest["stages"][stage], tree[stage].attrs
    return {
        "store": place,
        "node": node,
        "grid": manifest["name"],
        "seed": entry["identity"]["seed"],
        "kernel": f"{attributes['kernel']} version {attributes['kernel_version']}",
        "params": from_attribute(attributes["params"]),
        "packages": entry.get("made", manifest)["packages"],
    }


def _write_netcdf(data: xr.Dataset, facts: Mapping[str, Any], path: Path) -> None:
    """Write one variable after the other, so that no more than one is in memory."""
    attributes = as_attributes({**data.attrs, **facts})
    data[["done"]].drop_encoding().assign_attrs(attributes).to_netcdf(path, engine="netcdf4")
    for name in data.data_vars:
        if name != "done":
            one = _masked(data[name], data["done"]).to_dataset(name=str(name))
            compressed = {} if one[name].dtype.kind in "OTU" else {"zlib": True, "complevel": 1}
            one = one.drop_encoding()
            try:
                one.to_netcdf(path, mode="a", engine="netcdf4", encoding={name: compressed}, auto_complex=True)
            except (TypeError, ValueError) as error:
                what = f"netCDF cannot hold {one[name].dtype} ({error}); leave it out with --variable, or write a table"
                raise SweepError(Problem(f"{facts['store']}: {facts['node']}/{name}", what)) from error


def _masked(values: xr.DataArray, done: xr.DataArray) -> xr.DataArray:
    """Return values with what is not done missing, in the type that they have."""
    if done.all():
        return values
    fill = values.attrs.get("_FillValue", {"f": np.nan, "c": complex(np.nan, np.nan)}.get(values.dtype.kind))
    if fill is None:
        fill = "" if values.dtype.kind in "OTU" else 0
    return values.where(done, np.asarray(fill, values.dtype))


WRITERS: Mapping[str, Callable[[xr.Dataset, Mapping[str, Any], Path], None]] = {
    ".nc": _write_netcdf,
    ".csv": write_csv,
    ".parquet": write_parquet,
}
