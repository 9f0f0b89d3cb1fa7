"""Exhibits from Monte Carlo alone: energy, magnetisation, and the paper's figures 5b and 6a."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.flow_cases import SAME
from sweep.analysis.estimators.stages import complete_only, done_only, stages_of, with_common_labels
from sweep.analysis.estimators.statistics import binder_cumulant, jackknife, mean_and_error
from sweep.analysis.estimators.two_point import Field, paper_dimension, with_bin_errors
from sweep.analysis.exact import ising as exact
from sweep.analysis.exact.transfer_matrix import LARGEST, exact_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Maker, Row
from sweep.analysis.exhibits.style import EXACT, OURS, TORUS, below_legend, label_of, new_figure, units_of

WINDOW = (1.9, 2.6)  # temperatures that figures 5b and 6a show
MARKERS = "os^Dv"
NAMES: dict[Field, str] = {"sigma": "Δσ", "epsilon": "Δε"}
CORRELATOR: dict[Field, str] = {"sigma": "spin_correlation", "epsilon": "energy_correlation"}
SCHEDULE = ("update", "equilibration_sweeps", "interval_sweeps")
UPDATES = {"metropolis": "Metropolis", "swendsen_wang": "Swendsen-Wang", "wolff": "Wolff"}
"""In the order of the numbers that stores of earlier versions have in place of the words."""
EXACT_DIMENSION: dict[Field, float] = {"sigma": exact.DELTA_SIGMA, "epsilon": exact.DELTA_EPSILON}


def _one_ensemble(values: xr.DataArray) -> xr.DataArray:
    """Return values sorted by temperature, the first of any further axis, such as realisations."""
    extra = [dim for dim in values.dims if dim not in KNOWN_DIMS]
    return values.isel(dict.fromkeys(extra, 0), drop=True).sortby("temperature")


KNOWN_DIMS = {"size", "temperature", "replica", "bin", "dy", "dx", "configuration", "y", "x"}


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
            _points(panel, data.sel(size=size), f"L = {size}", marker)
    left.plot([], [], "--", color=EXACT, lw=0.8, label="same L, exact (Kaufman)")
    units = _units(stages)
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
    return _together([mean_and_error(_one_ensemble(done_only(stage, name)), "replica") for stage in stages])


def _chosen(stages: Sequence[xr.DataTree], name: str) -> xr.DataArray:
    """Return what the kernel has chosen at every point of all stages together."""
    recorded = done_only if name != "update" else _updates_used
    return _together([_one_ensemble(recorded(stage, name)).to_dataset(name=name) for stage in stages])[name]


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


def _units(stages: Sequence[xr.DataTree]) -> str:
    return units_of(stages[0].to_dataset()["temperature"])


def _by_label(like: xr.DataArray, function: object) -> xr.DataArray:
    values = [[function(int(size), float(t)) for t in like["temperature"]] for size in like["size"]]  # type: ignore[operator]
    return xr.DataArray(values, coords={"size": like["size"], "temperature": like["temperature"]}).transpose(*like.dims)


def _points(panel: Axes, data: xr.Dataset, label: str, marker: str, color: str = OURS, shift: float = 0.0) -> None:
    panel.errorbar(
        np.asarray(data["temperature"], np.float64) + shift,
        data["value"],
        data["error"],
        fmt=marker,
        color=color,
        mfc="white",
        capsize=2,
        label=label,
    )


def _energy_rows(numbers: xr.Dataset, sizes: Sequence[int]) -> list[Row]:
    rows = []
    critical = _nearest_critical(numbers["temperature"])
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
    known = {8: 0.613045, 10: 0.612341}
    stage = min(
        stages, key=lambda stage: abs(_nearest_critical(stage.to_dataset()["temperature"]) - exact.CRITICAL_TEMPERATURE)
    )
    means = xr.Dataset({name: _one_ensemble(done_only(stage, name)) for name in ("m2", "m4")})
    critical = _nearest_critical(means["temperature"])
    rows = []
    for size in means["size"].values.tolist():
        cumulant = jackknife(means.sel(size=size, temperature=critical), binder_cumulant, "replica")
        wanted = f"{known[size]:.6f}" if size in known and abs(critical - exact.CRITICAL_TEMPERATURE) < 1e-6 else ""
        value, error = float(cumulant["value"]), float(cumulant["error"])
        rows.append(Row(f"U4, L = {size}, T = {critical:.4f}", value, error, "", wanted))
    return rows


def _nearest_critical(temperatures: xr.DataArray) -> float:
    values = np.asarray(temperatures)
    return float(values[np.argmin(np.abs(values - exact.CRITICAL_TEMPERATURE))])


def dimension_exhibit(field: Field, name: str, title: str, statement: str) -> Maker:
    """Return the maker of figure 5b (sigma) or 6a (epsilon)."""

    def maker(tree: xr.DataTree) -> Exhibit | Absent:
        stages = list(stages_of(tree, "ising").values())
        estimates = _estimates(stages, field)
        if not estimates:
            return Absent(title, f"no complete point between T = {WINDOW[0]} and {WINDOW[1]} with two bins or more")
        figure, panels = new_figure(len(estimates))
        for panel, (size, numbers) in zip(panels, estimates.items(), strict=True):
            _draw_dimension(panel, numbers, field, size, _units(stages))
        below_legend(figure, panels[0])
        rows = [row for size, numbers in estimates.items() for row in _dimension_rows(numbers, field, size, statement)]
        numbers = xr.concat(
            list(estimates.values()), xr.DataArray(list(estimates), dims="size", name="size"), join="outer"
        )
        caption = (
            f"{NAMES[field]} from two-point functions. Circles: the paper's estimator, a plane power law over open "
            "distances d < L/2, with the fit's 90 % interval. Squares: the torus estimator, which holds at T_c only, "
            "with its standard error from independent bins. Line: what the paper's estimator gives on exact data."
        )
        return Exhibit(name, title, caption, figure, numbers, tuple(rows))

    return maker


def _estimates(stages: Sequence[xr.DataTree], field: Field) -> dict[int, xr.Dataset]:
    """Return both estimates and the exact expectation of the paper's, for the two largest sizes, by temperature."""
    found: dict[int, list[xr.Dataset]] = {}
    for stage in stages:
        for node in stage.children.values():
            if CORRELATOR[field] not in node:
                continue
            correlation = _one_ensemble(done_only(stage, CORRELATOR[field], node))
            labels = correlation["temperature"]
            inside = (labels > WINDOW[0] - SAME) & (labels < WINDOW[1] + SAME)
            correlation = correlation.isel(temperature=np.flatnonzero(inside)).dropna("temperature", how="all")
            if correlation.sizes["temperature"] and correlation.sizes["bin"] > 1:
                found.setdefault(int(node["size"]), []).append(with_bin_errors(correlation, field))
    largest = {size: with_common_labels(found[size], "temperature") for size in sorted(found, reverse=True)[:2]}
    return {size: _with_expectation(xr.concat(parts, "temperature"), size, field) for size, parts in largest.items()}


def _with_expectation(numbers: xr.Dataset, size: int, field: Field) -> xr.Dataset:
    unique = numbers.drop_duplicates("temperature").sortby("temperature")
    return unique.assign(paper_on_exact_data=_expected(size, unique["temperature"], field))


def _expected(size: int, temperatures: xr.DataArray, field: Field) -> xr.DataArray:
    if size > LARGEST:
        return xr.full_like(temperatures, np.nan, dtype=float)
    which = 0 if field == "sigma" else 1
    exact_data = [exact_correlations(size, float(t))[which] for t in temperatures]
    data = xr.DataArray(np.array(exact_data), dims=("temperature", "dy", "dx"), coords={"temperature": temperatures})
    return paper_dimension(data)["dimension"]


def _draw_dimension(panel: Axes, numbers: xr.Dataset, field: Field, size: int, units: str) -> None:
    line = numbers["paper_on_exact_data"]
    panel.axhline(EXACT_DIMENSION[field], color=EXACT, lw=0.8, ls=":")
    panel.axvline(exact.CRITICAL_TEMPERATURE, color=EXACT, lw=0.8, ls=":")
    if line.notnull().any():
        panel.plot(line["temperature"], line, color=EXACT, lw=1, label="paper's estimator, exact data")
    paper = numbers[["paper", "paper_interval"]].rename(paper="value", paper_interval="error")
    _points(panel, paper, "paper's estimator (90 % interval)", "o")
    torus = numbers[["torus", "torus_error"]].rename(torus="value", torus_error="error")
    _points(panel, torus, "torus estimator (standard error)", "s", TORUS, shift=0.012)
    panel.set(xlabel=label_of("temperature T", units), ylabel=NAMES[field], title=f"{size} × {size}")
    panel.annotate(" $T_c$", (exact.CRITICAL_TEMPERATURE, 0.02), xycoords=("data", "axes fraction"), va="bottom")


def _dimension_rows(numbers: xr.Dataset, field: Field, size: int, statement: str) -> list[Row]:
    critical = _nearest_critical(numbers["temperature"])
    at = numbers.sel(temperature=critical)
    expected = float(at["paper_on_exact_data"])
    paper, interval = float(at["paper"]), float(at["paper_interval"])
    exact_value = EXACT_DIMENSION[field]
    inside = abs(paper - exact_value) <= interval
    remark = (
        f"90 % interval of the fit ± {interval:.3f}: {'holds' if inside else 'does not hold'} {exact_value:g}; "
        f"on exact data this estimator gives {expected:.4f}"
    )
    where = f"{NAMES[field]}, L = {size}, T = {critical:.4f}"
    return [
        Row(f"{where}, paper's estimator", paper, float(at["paper_error"]), statement, f"{exact_value:g}", remark),
        Row(f"{where}, torus estimator", float(at["torus"]), float(at["torus_error"]), "", f"{exact_value:g}"),
    ]


FIGURE_5B = dimension_exhibit("sigma", "figure-5b", "Figure 5b: Δσ against temperature, Monte Carlo", "near 1/8 at T_c")
FIGURE_6A = dimension_exhibit("epsilon", "figure-6a", "Figure 6a: Δε against temperature, Monte Carlo", "near 1 at T_c")
