"""Energy and magnetisation from Monte Carlo, beside exact curves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from sweep.analysis.estimators.stages import complete_only, done_only, stages_of, with_common_labels
from sweep.analysis.estimators.statistics import binder_cumulant, jackknife, mean_and_error
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact import ising as exact
from sweep.analysis.exact.moments import moments
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.monte_carlo import draw_points, nearest_critical, one_ensemble, temperature_units
from sweep.analysis.exhibits.style import EXACT, label_of, new_figure

MARKERS = "os^Dv"
SCHEDULE = ("update", "equilibration_sweeps", "interval_sweeps")
UPDATES = {"metropolis": "Metropolis", "swendsen_wang": "Swendsen-Wang", "wolff": "Wolff"}
"""In the order of the numbers that stores of earlier versions have in place of the words."""


def thermodynamics(tree: xr.DataTree) -> Exhibit | Absent:
    """Return energy and magnetisation against temperature, with Kaufman's, Onsager's and Yang's exact curves."""
    title = "Energy and magnetisation"
    stages = list(stages_of(tree, "ising").values())
    if not stages:
        return Absent(title, "no stage of the kernel ising")
    energy, magnetization = (_means(stages, name) for name in ("energy", "abs_magnetization"))
    figure, (left, right) = new_figure(2)
    sizes = [int(size) for size in energy["size"].values]
    ends = max(0.05, float(energy["temperature"].min())), float(energy["temperature"].max())
    grid = np.union1d(np.linspace(*ends, 200), exact.CRITICAL_TEMPERATURE - np.geomspace(1e-9, 0.05, 40))
    left.plot(grid, [exact.onsager_energy(t) for t in grid], color=EXACT, lw=1, label="L = ∞ (Onsager)")
    right.plot(grid, [exact.yang_magnetization(t) for t in grid], color=EXACT, lw=1, label="L = ∞ (Yang)")
    for size, marker in zip(sizes, MARKERS, strict=False):
        left.plot(grid, [exact.torus_energy(size, t) for t in grid], "--", color=EXACT, lw=0.8)
        for panel, data in ((left, energy), (right, magnetization)):
            draw_points(panel, data.sel(size=size), f"L = {size}", marker)
        known = [moments(size, float(t)).abs_m for t in magnetization["temperature"]]
        right.plot(magnetization["temperature"], known, "_", color=EXACT, ms=9)
    left.plot([], [], "--", color=EXACT, lw=0.8, label="same L, exact (Kaufman)")
    right.plot([], [], "_", color=EXACT, ms=9, label="same L, exact, for L up to 10")
    units = temperature_units(stages)
    for panel, name in ((left, label_of("energy per site", "J")), (right, "⟨|m|⟩ per site")):
        panel.set(xlabel=label_of("temperature T", units), ylabel=name)
        panel.legend()
    found = {"energy": energy, "abs_magnetization": magnetization}
    parts = [part.rename(value=name, error=f"{name}_error", degrees=f"{name}_degrees") for name, part in found.items()]
    numbers = xr.merge(parts)
    numbers["energy_exact"] = _by_label(numbers["energy"], exact.torus_energy)
    numbers["abs_magnetization_exact"] = _by_label(numbers["energy"], lambda size, t: moments(size, t).abs_m)
    rows = [*_energy_rows(numbers, sizes), *_binder_rows(stages)]
    numbers = numbers.assign({name: _chosen(stages, name) for name in SCHEDULE})
    caption = (
        "Means over independent chains; error bars, one standard error, are smaller than the points where not seen. "
        f"What drew them: {'; '.join(_updates(numbers.sel(size=size)) for size in sizes)}."
    )
    return Exhibit("thermodynamics", title, caption, figure, numbers, tuple(rows))


def _means(stages: Sequence[xr.DataTree], name: str) -> xr.Dataset:
    """Return means and errors over replicas of all stages together, sorted by temperature."""
    return _together([mean_and_error(one_ensemble(done_only(stage, name)), "replica") for stage in stages])


def _chosen(stages: Sequence[xr.DataTree], name: str) -> xr.DataArray:
    """Return what the kernel has chosen at every point of all stages together."""
    recorded = done_only if name != "update" else _updates_used
    return _together([one_ensemble(recorded(stage, name)).to_dataset(name=name) for stage in stages])[name]


def _updates_used(stage: xr.DataTree, name: str) -> xr.DataArray:
    """Return the places in `UPDATES` of what drew each point; NaN where it is not complete."""
    values = stage.to_dataset()[name]
    if values.dtype.kind not in "iuf":
        places = np.array([[*UPDATES, ""].index(str(word)) for word in np.ravel(values)])
        values = values.copy(data=places.reshape(values.shape))
    return complete_only(stage, values)


def _together(found: Sequence[xr.Dataset]) -> xr.Dataset:
    parts = with_common_labels(found, "temperature")
    return xr.concat(parts, "temperature", join="outer").groupby("temperature").first().sortby("temperature")


def _updates(numbers: xr.Dataset) -> str:
    """Return in words by which updates a size was drawn, at which temperatures, and how many sweeps apart."""
    parts, names = [], [*UPDATES.values()]
    for update in np.unique(numbers["update"].dropna("temperature")):
        used = numbers.where(numbers["update"] == update, drop=True)
        ends = (f"{float(used['temperature'].min()):.4g}", f"{float(used['temperature'].max()):.4g}")
        before, between = (
            "-".join(dict.fromkeys(f"{end:.0f}" for end in (used[name].min(), used[name].max())))
            for name in SCHEDULE[1:]
        )
        parts.append(
            f"{names[int(update)]} at T = {' to '.join(dict.fromkeys(ends))}, {before} sweeps before a chain's first"
            f" sample, {between} between samples"
        )
    return f"L = {int(numbers['size'])}: {', '.join(parts)}"


def _by_label(like: xr.DataArray, function: Callable[[int, float], float]) -> xr.DataArray:
    values = [[function(int(size), float(t)) for t in like["temperature"]] for size in like["size"]]
    return xr.DataArray(values, coords={"size": like["size"], "temperature": like["temperature"]}).transpose(*like.dims)


def _energy_rows(numbers: xr.Dataset, sizes: Sequence[int]) -> list[Row]:
    """Return energy and |m| at the temperature nearest to T_c, beside the exact values of the same torus."""
    rows = []
    critical = nearest_critical(numbers["temperature"])
    names = {"energy": "energy per site", "abs_magnetization": "⟨|m|⟩ per site"}
    for size, (name, words) in itertools.product(sizes, names.items()):
        at = numbers.sel(size=size, temperature=critical)
        rows.append(_row(f"{words}, L = {size}, T = {critical:.4f}", at, name, float(at[f"{name}_exact"])))
    return rows


def _binder_rows(stages: Sequence[xr.DataTree]) -> list[Row]:
    """Return the cumulants of the stage that comes nearest to T_c."""
    stage = min(
        stages, key=lambda stage: abs(nearest_critical(stage.to_dataset()["temperature"]) - exact.CRITICAL_TEMPERATURE)
    )
    means = xr.Dataset({name: one_ensemble(done_only(stage, name)) for name in ("m2", "m4")})
    critical = nearest_critical(means["temperature"])
    rows = []
    for size in means["size"].values.tolist():
        cumulant = jackknife(means.sel(size=size, temperature=critical), binder_cumulant, "replica")
        at = cumulant.rename(value="U4", error="U4_error", degrees="U4_degrees")
        rows.append(_row(f"U4, L = {size}, T = {critical:.4f}", at, "U4", moments(size, critical).binder))
    return rows


def _row(quantity: str, at: xr.Dataset, name: str, wanted: float) -> Row:
    """Return the row of a mean whose exact value is that of the same torus: perfect data in themselves."""
    value, error, degrees = (float(at[name + end]) for end in ("", "_error", "_degrees"))
    known = f"{wanted:.6f}" if np.isfinite(wanted) else ""
    return Row(quantity, value, error, "", known, "", known, compare(value, error, degrees, wanted, "the exact value"))
