"""Energy and magnetisation from Monte Carlo, beside exact curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from sweep.analysis.estimators.stages import complete_only, done_only, stages_of, with_common_labels
from sweep.analysis.estimators.statistics import binder_cumulant, jackknife, mean_and_error
from sweep.analysis.exact import ising as exact
from sweep.analysis.exact.moments import SIZES, moments
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
    left.plot([], [], "--", color=EXACT, lw=0.8, label="same L, exact (Kaufman)")
    units = temperature_units(stages)
    for panel, name in ((left, label_of("energy per site", "J")), (right, "⟨|m|⟩ per site")):
        panel.set(xlabel=label_of("temperature T", units), ylabel=name)
        panel.legend()
    numbers = xr.merge(
        [
            energy.rename(value="energy", error="energy_error"),
            magnetization.rename(value="abs_magnetization", error="abs_magnetization_error"),
        ]
    )
    numbers["energy_exact"] = _by_label(numbers["energy"], exact.torus_energy)
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
    rows = []
    critical = nearest_critical(numbers["temperature"])
    for size in sizes:
        at = numbers.sel(size=size, temperature=critical)
        value, error, wanted = (float(at[name]) for name in ("energy", "energy_error", "energy_exact"))
        z = (value - wanted) / error if error > 0 else np.nan
        rows.append(
            Row(f"energy per site, L = {size}, T = {critical:.4f}", value, error, "", f"{wanted:.6f}", f"z = {z:.1f}")
        )
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
        wanted = f"{moments(size, critical).binder:.6f}" if size in SIZES else ""
        value, error = float(cumulant["value"]), float(cumulant["error"])
        rows.append(Row(f"U4, L = {size}, T = {critical:.4f}", value, error, "", wanted))
    return rows
