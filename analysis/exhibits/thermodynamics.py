"""Energy and magnetisation from Monte Carlo, beside exact curves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sweep.analysis.estimators.stages import complete_only, done_only, stages_of, with_common_labels
from sweep.analysis.estimators.statistics import binder_cumulant, jackknife, mean_and_error
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact import ising as exact
from sweep.analysis.exact.configurations import SIZES
from sweep.analysis.exact.moments import moments
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import COLORS, MARKERS
from sweep.analysis.exhibits.monte_carlo import draw_points, nearest_critical, one_ensemble, temperature_units
from sweep.analysis.exhibits.style import EXACT, below_legend, label_of, new_figure

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
    sizes = [int(size) for size in energy["size"].values if bool(energy["value"].sel(size=size).notnull().any())]
    if not sizes:
        return Absent(title, "no point of the kernel ising is complete")
    found = {"energy": energy, "abs_magnetization": magnetization}
    parts = [part.rename(value=name, error=f"{name}_error", degrees=f"{name}_degrees") for name, part in found.items()]
    numbers = xr.merge(parts)
    numbers["energy_exact"] = _by_label(numbers["energy"], exact.torus_energy)
    numbers["abs_magnetization_exact"] = _by_label(numbers["energy"], lambda size, t: moments(size, t).abs_m)
    figure = _drawn(numbers, sizes, temperature_units(stages))
    rows = [*_energy_rows(numbers, sizes), *_binder_rows(stages)]
    numbers = numbers.assign({name: _chosen(stages, name) for name in SCHEDULE})
    caption = (
        "Means over independent chains; error bars, one standard error, are smaller than the points where not seen. "
        "Below: how far they are from the exact values of the same torus (energy: Kaufman; |m|: transfer matrices, for "
        f"L up to {max(SIZES)}), in standard errors σ; of many points one in twenty is beyond ±2, the grey band, by "
        "chance. Dashed lines and dashes: these exact values; full line: L = ∞ (Onsager, Yang). "
        f"What drew them: {'; '.join(_updates(numbers.sel(size=size)) for size in sizes)}."
    )
    return Exhibit("thermodynamics", title, caption, figure, numbers, tuple(rows))


def _drawn(numbers: xr.Dataset, sizes: Sequence[int], units: str) -> Figure:
    """Return means above, with exact curves, and below them their distance from the exact values in errors."""
    figure, panels = new_figure(2, height=2.8, rows=2, heights=(2, 1))
    temperatures = numbers["temperature"]
    ends = max(0.05, float(temperatures.min())), float(temperatures.max())
    grid = np.union1d(np.linspace(*ends, 200), exact.CRITICAL_TEMPERATURE - np.geomspace(1e-9, 0.05, 40))
    infinite = exact.onsager_energy, exact.yang_magnetization
    names = {"energy": label_of("energy per site", "J"), "abs_magnetization": "⟨|m|⟩ per site"}
    for column, (name, label) in enumerate(names.items()):
        above, below = panels[column], panels[2 + column]
        above.plot(grid, [infinite[column](t) for t in grid], color=EXACT, lw=1, label="L = ∞, exact")
        below.axhspan(-2, 2, color="0.9", lw=0)
        below.axhline(0, color=EXACT, lw=0.8)
        for size, marker, color in zip(sizes, itertools.cycle(MARKERS), itertools.cycle(COLORS)):
            own = numbers.sel(size=size)
            if name == "energy":
                above.plot(grid, [exact.torus_energy(size, t) for t in grid], "--", color=color, lw=0.8)
            else:
                above.plot(temperatures, own[f"{name}_exact"].where(own[name].notnull()), "_", color=color, ms=12)
            data = own[[name, f"{name}_error"]].rename({name: "value", f"{name}_error": "error"})
            draw_points(above, data, f"L = {size}", marker, color)
            distance = (own[name] - own[f"{name}_exact"]) / own[f"{name}_error"]
            below.plot(temperatures, distance.where(own[f"{name}_error"] > 0), marker, color=color, mfc="white", ms=5)
        above.set(ylabel=label)
        above.tick_params(labelbottom=False)
        below.set(xlabel=label_of("temperature T", units), ylabel="(ours − exact) / σ", xlim=above.get_xlim())
    below_legend(figure, panels[0])
    return figure


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
    data = stage.to_dataset()
    critical = nearest_critical(data["temperature"])
    means = xr.Dataset(
        {name: one_ensemble(complete_only(stage, data[name].sel(temperature=[critical]))) for name in ("m2", "m4")}
    )
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
