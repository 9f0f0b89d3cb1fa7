"""The panels of two layers, ready to be looked at and counted: sites where they belong, signs known; and exact ones."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.estimators.gauge import SITE, UNIT, in_place, places, signs, square_side
from sweep.analysis.estimators.layers import LayerCorrelation
from sweep.analysis.estimators.patches import cosine, overlap, patches
from sweep.analysis.exact.block_spins import block_panels
from sweep.analysis.exact.correlators import SIZES


@dataclass(frozen=True)
class Panels:
    """Panels of a layer, each DataArray[..., hidden_unit, y, x].

    Parameters
    ----------
    raw : DataArray
        <v_i h_a> (eq 60).
    centred : DataArray
        Without what goes through the magnetisation.
    error : DataArray
        Standard error of `raw`.
    sign : DataArray[..., hidden_unit]
        Of each unit.
    lower_fixed : bool
        Whether the lower layer's own units had to be given signs and places first, by their correlation with the data.
    """

    raw: xr.DataArray
    centred: xr.DataArray
    error: xr.DataArray
    sign: xr.DataArray
    lower_fixed: bool = False

    @functools.cached_property
    def placed(self) -> xr.DataArray | None:
        """Return the centred panels with signs fixed, in place, [..., site, y, x]; None where units have no places."""
        if square_side(self.centred.sizes[UNIT]) is None:
            return None
        return in_place(self.centred * self.sign, places(self.centred))


def panels_of(case: LayerCorrelation, others: Sequence[LayerCorrelation] = ()) -> Panels:
    """Return the panels of two layers.

    The hidden units of a lower layer have no places and no common sign either, and know more or less of the data's
    magnetisation M. Where one of `others` is the correlation of that layer with data, they get all three from there;
    what goes through M is then the part of a panel that is proportional to <v_i M>.

    Parameters
    ----------
    case : LayerCorrelation
    others : sequence of LayerCorrelation
    """
    names = ("correlation", "correlation_without_m", "correlation_error")
    raw, centred, error = (case.data[name].load().astype(float) for name in names)
    below = next((other for other in others if _tells_places(other, case)), None)
    if below is None:
        return Panels(raw, centred, error, signs(raw))
    names = ("correlation", "correlation_without_m", "magnetization_correlation")
    lower, without_m, through_m = (below.data[name].load().astype(float) for name in names)
    sign, units = signs(lower), places(without_m)
    raw, error = (_relabelled(panels, factor, units) for panels, factor in ((raw, sign), (error, abs(sign))))
    lattice = case.data["correlation"].isel({UNIT: 0}, drop=True)
    knows_m = _relabelled(_on(lattice, through_m), sign, units)
    share = (raw * knows_m).sum(["y", "x"], skipna=False) / (knows_m**2).sum(["y", "x"], skipna=False)
    return Panels(raw, raw - share * knows_m, error, signs(raw), lower_fixed=True)


def _tells_places(other: LayerCorrelation, case: LayerCorrelation) -> bool:
    """Return whether a correlation is of the lower layer of another one with the data, and gives it places."""
    same = other.upper.stage == case.lower.stage and other.lower.kind == "data"
    return same and case.lower.kind == "RBM" and other.at == case.at and other.upper.side is not None


def _relabelled(panels: xr.DataArray, sign: xr.DataArray, units: xr.DataArray) -> xr.DataArray:
    """Return panels whose sites, row by row, are the units of a layer with these signs and places."""
    panels, sign, units = xr.align(panels, sign, units, join="inner", exclude=[UNIT, "y", "x", SITE])
    flat = panels.drop_vars(["y", "x"], errors="ignore").stack({"lower": ["y", "x"]}, create_index=False)
    turned = flat * sign.drop_vars(UNIT, errors="ignore").rename({UNIT: "lower"})
    return _on(panels, in_place(turned, units, "lower"), SITE)


def _on(lattice: xr.DataArray, values: xr.DataArray, dim: str = UNIT) -> xr.DataArray:
    """Return values along one dimension laid row by row on the sites (y, x) of a lattice."""
    last = values.drop_vars(dim, errors="ignore").transpose(..., dim)
    shape = (*last.shape[:-1], lattice.sizes["y"], lattice.sizes["x"])
    return xr.DataArray(last.values.reshape(shape), dims=(*last.dims[:-1], "y", "x"), coords=last.coords)


def exact_panels(case: LayerCorrelation) -> xr.DataArray | None:
    """Return what real block averages with the sides of these two layers have exactly; None where that is not known.

    Returns
    -------
    DataArray[hidden_unit, y, x]
        Raw <v_i h_a>, units row by row.
    """
    sides = case.upper.chain[0].side, case.lower.side, case.upper.side
    temperature = float(case.at.get("temperature", 0.0))
    if None in sides or temperature <= 0:
        return None
    size, lower, upper = (int(side or 0) for side in sides)
    if size not in SIZES or size % lower or lower % upper:
        return None
    return xr.DataArray(block_panels(size, lower, upper, temperature), dims=(UNIT, "y", "x"))


def numbers_of(panels: Panels, exact: xr.DataArray | None) -> xr.Dataset:
    """Return what there is to count of every unit.

    Parameters
    ----------
    panels : Panels
    exact : DataArray[hidden_unit, y, x], optional
        Raw panels of exact block spins, in place.

    Returns
    -------
    Dataset[..., hidden_unit]
        Those of `patches`; `positive`, 1 for a unit of sign +1, else 0; and, by site, with signs and places fixed:
        `overlap` with the neighbours, and `alike`, the cosine between the centred panel of the unit and that of the
        block spin at its site. `alike_raw` is that cosine of raw panels with signs fixed, whatever their places. NaN
        where the units have no places, or where there is no block spin.
    """
    found = patches(panels.centred, panels.error)
    positive = (panels.sign > 0).astype(float).where(panels.sign.notnull())
    placed, nothing = panels.placed, xr.full_like(positive, np.nan)
    found = found.assign(positive=positive, overlap=nothing, alike=nothing, alike_raw=nothing)
    if placed is None:
        return found
    found = found.assign(overlap=overlap(placed).rename({SITE: UNIT}))
    if exact is None:
        return found
    middle = (exact - exact.mean(["y", "x"])).rename({UNIT: SITE})
    alike_raw = cosine((panels.raw * panels.sign).drop_vars(UNIT, errors="ignore"), exact)
    return found.assign(alike=cosine(placed, middle).rename({SITE: UNIT}), alike_raw=alike_raw)


def exactly(raw: xr.DataArray) -> Panels:
    """Return exact raw panels of block spins as those that a store holds: without error."""
    return Panels(raw, raw - raw.mean(["y", "x"]), xr.zeros_like(raw), signs(raw))
