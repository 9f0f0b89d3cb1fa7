"""Attributes that every format can hold: numbers, words, and JSON text for all that is neither."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

REDUCED = {"J", "k_B", "mcs"}
"""What a model measures in itself: its coupling, Boltzmann's constant, a Monte Carlo step per site."""


def unit_attributes(dtype: str, units: str, reduced: bool | None = None) -> dict[str, str]:
    """Return the attributes that tell units to people and programs; words and flags have none.

    Parameters
    ----------
    dtype : str
    units : str
        As the kernel declares them.
    reduced : bool, optional
        Whether the numbers are pure, in units of the model; see `sweep.kernels.contract.Output`.
    """
    if dtype in ("str", "bool") and not units:
        return {}
    names = set(re.findall(r"[^\W\d]\w*", units))
    if reduced if reduced is not None else names and names <= REDUCED:
        return {"units": "1", "reduced_units": units}
    return {"units": units or "1"}


def as_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as attributes: what netCDF has no type for becomes JSON text."""
    return {key: value if _is_plain(value) else json.dumps(value) for key, value in values.items()}


def from_attribute(value: Any) -> Any:
    """Return what an attribute made from a mapping says; in old stores it is the mapping itself."""
    return json.loads(value) if isinstance(value, str) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**63) <= value < 2**63
    return isinstance(value, str | float)
