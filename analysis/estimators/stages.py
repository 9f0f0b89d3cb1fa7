"""Finding stages in a store, and what is complete in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import xarray as xr


def stages_of(tree: xr.DataTree, kernel: str) -> dict[str, xr.DataTree]:
    """Return the stages of a store that a kernel made, by name."""
    return {name: node for name, node in tree.children.items() if node.attrs.get("kernel") == kernel}


def mapping(attributes: Mapping[Any, Any], name: str) -> Mapping[str, Any]:
    """Return an attribute that is a mapping: JSON text in a store, which older ones keep as a mapping itself."""
    value = attributes.get(name, {})
    return cast("Mapping[str, Any]", json.loads(value) if isinstance(value, str) else value)


def with_common_labels(parts: Sequence[xr.Dataset], dim: str) -> list[xr.Dataset]:
    """Return datasets of several stages whose numbers along `dim` are equal where they agree to 12 digits."""
    known: dict[str, float] = {}
    found = []
    for part in parts:
        labels = [known.setdefault(f"{label:.12g}", label) for label in part[dim].values.tolist()]
        found.append(part.assign_coords({dim: part[dim].copy(data=labels)}))
    return found


def done_only(stage: xr.DataTree, name: str, node: xr.DataTree | None = None) -> xr.DataArray:
    """Return a variable of a stage, or of a node below it, as floats; points that are not complete are NaN."""
    return complete_only(stage, (node or stage).to_dataset()[name])


def complete_only(stage: xr.DataTree, values: xr.DataArray) -> xr.DataArray:
    """Return values over the points of a stage as floats; NaN where a point is not complete."""
    done = stage.to_dataset()["done"]
    at = {str(name): label for name, label in values.coords.items() if name in done.dims and label.ndim == 0}
    return values.astype(float).where(done.sel({name: label.item() for name, label in at.items()}, drop=True))
