"""What makes figures 5b and 6a: the scaling dimensions of spin and energy against temperature, from Monte Carlo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import ENERGY_MONTE_CARLO, SPIN_MONTE_CARLO
from sweep.analysis.estimators.flow_cases import SAME
from sweep.analysis.estimators.perfect import exact_dimension
from sweep.analysis.estimators.stages import complete_only, stages_of, with_common_labels
from sweep.analysis.estimators.two_point import AMPLITUDE, Field, with_bin_errors
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact import ising as exact
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.monte_carlo import draw_points, nearest_critical, one_ensemble, temperature_units
from sweep.analysis.exhibits.style import EXACT, TORUS, below_legend, label_of, wrapped_figure

WINDOW = (1.9, 2.6)  # temperatures that figures 5b and 6a show
SHOWN = 2  # sizes that get panels; the table and the CSV have all
SMALLEST = 5  # below it there are two distances only, through which every power law goes
NAMES: dict[Field, str] = {"sigma": "Δσ", "epsilon": "Δε"}
CLAIMS = {"sigma": SPIN_MONTE_CARLO, "epsilon": ENERGY_MONTE_CARLO}
CORRELATOR: dict[Field, str] = {"sigma": "spin_correlation", "epsilon": "energy_correlation"}
EXACT_DIMENSION: dict[Field, float] = {"sigma": exact.DELTA_SIGMA, "epsilon": exact.DELTA_EPSILON}


def dimension_exhibit(tree: xr.DataTree, field: Field, name: str, title: str, statement: str) -> Exhibit | Absent:
    """Return figure 5b (sigma) or 6a (epsilon)."""
    stages = list(stages_of(tree, "ising").values())
    estimates = _estimates(stages, field)
    if not estimates:
        return Absent(title, f"no complete point between T = {WINDOW[0]} and {WINDOW[1]} with two bins or more")
    shown = _shown(estimates)
    figure, panels = wrapped_figure(len(shown))
    for panel, size in zip(panels, shown, strict=True):
        _draw_dimension(panel, estimates[size], field, size, temperature_units(stages))
    below_legend(figure, panels[0])
    rows = [row for size, numbers in estimates.items() for row in _dimension_rows(numbers, field, size, statement)]
    numbers = xr.concat(list(estimates.values()), xr.DataArray(list(estimates), dims="size", name="size"), join="outer")
    caption = (
        f"{NAMES[field]} from two-point functions. Circles: the paper's estimator, a plane power law over open "
        "distances d < L/2, with the fit's 90 % interval. Square: the torus estimator, at T_c only, where it "
        "holds, less what it is off on exact data, with its standard error from independent bins. Line: what the "
        "paper's estimator gives on exact data. Dotted: the universal value, and T_c."
        f"{_left_out([size for size in estimates if size not in shown])}"
    )
    evidence = tuple(_evidence(found, field, size) for size, found in estimates.items())
    return Exhibit(name, title, caption, figure, numbers, tuple(rows), evidence=evidence)


def _shown(estimates: Mapping[int, xr.Dataset]) -> list[int]:
    """Return the sizes that are drawn against temperature: those with most temperatures, then the largest."""
    most = sorted(estimates, key=lambda size: (estimates[size].sizes["temperature"], size), reverse=True)
    return sorted(most[:SHOWN], reverse=True)


def _left_out(sizes: Sequence[int]) -> str:
    """Return in words which sizes have no panel."""
    return f" Without a panel, in the table and the CSV: L = {', '.join(map(str, sizes))}." if sizes else ""


def _estimates(stages: Sequence[xr.DataTree], field: Field) -> dict[int, xr.Dataset]:
    """Return both estimates and the exact expectation of the paper's, for each size, largest first, by temperature."""
    found: dict[int, list[xr.Dataset]] = {}
    for stage in stages:
        for node in stage.children.values():
            if CORRELATOR[field] not in node or int(node["size"]) < SMALLEST:
                continue
            correlation = node.to_dataset()[CORRELATOR[field]]
            labels = correlation["temperature"]
            inside = (labels > WINDOW[0] - SAME) & (labels < WINDOW[1] + SAME)
            chosen = complete_only(stage, correlation.isel(temperature=np.flatnonzero(inside)))
            correlation = one_ensemble(chosen).dropna("temperature", how="all")
            if correlation.sizes["temperature"] and correlation.sizes["bin"] > 1:
                found.setdefault(int(node["size"]), []).append(with_bin_errors(correlation, field))
    parts = {size: with_common_labels(found[size], "temperature") for size in sorted(found, reverse=True)}
    return {size: _with_expectation(xr.concat(part, "temperature"), size, field) for size, part in parts.items()}


def _with_expectation(numbers: xr.Dataset, size: int, field: Field) -> xr.Dataset:
    """Return the estimates with what they give on exact data, which is taken off the torus estimator's, at T_c only.

    `torus_off` and `amplitude_off` are what the torus estimator is off on the exact correlator of this size.
    """
    unique = numbers.drop_duplicates("temperature").sortby("temperature")
    labels = unique["temperature"]
    perfect = [float(exact_dimension(size, float(t), field, "paper")["dimension"]) for t in labels]
    torus = exact_dimension(size, exact.CRITICAL_TEMPERATURE, field, "torus")
    off, amplitude_off = (
        float(torus["dimension"]) - EXACT_DIMENSION[field],
        float(torus["amplitude"]) - AMPLITUDE[field],
    )
    critical = np.abs(labels - exact.CRITICAL_TEMPERATURE) < SAME
    of_torus = [str(name) for name in unique.data_vars if str(name).startswith("torus")]
    unique = unique.assign({name: unique[name].where(critical) for name in of_torus})
    return unique.assign(
        paper_on_exact_data=("temperature", perfect),
        torus=unique["torus"] - off,
        torus_amplitude=unique["torus_amplitude"] - amplitude_off,
        torus_off=off,
        amplitude_off=amplitude_off,
    )


def _draw_dimension(panel: Axes, numbers: xr.Dataset, field: Field, size: int, units: str) -> None:
    line = numbers["paper_on_exact_data"]
    panel.axhline(EXACT_DIMENSION[field], color=EXACT, lw=0.8, ls=":")
    panel.axvline(exact.CRITICAL_TEMPERATURE, color=EXACT, lw=0.8, ls=":")
    if line.notnull().any():
        panel.plot(line["temperature"], line, color=EXACT, lw=1, label="paper's estimator, exact data")
    paper = numbers[["paper", "paper_interval"]].rename(paper="value", paper_interval="error")
    draw_points(panel, paper, "paper's estimator (90 % interval)", "o")
    torus = numbers[["torus", "torus_error"]].rename(torus="value", torus_error="error")
    draw_points(panel, torus.dropna("temperature"), "torus estimator at $T_c$ (standard error)", "s", TORUS)
    panel.set(xlabel=label_of("temperature T", units), ylabel=NAMES[field], title=f"{size} × {size}")
    panel.annotate(" $T_c$", (exact.CRITICAL_TEMPERATURE, 0.02), xycoords=("data", "axes fraction"), va="bottom")


def _dimension_rows(numbers: xr.Dataset, field: Field, size: int, statement: str) -> list[Row]:
    nearest = nearest_critical(numbers["temperature"])
    at = numbers.sel(temperature=nearest)
    where = f"{NAMES[field]}, L = {size}, T = {nearest:.4f}"
    value, error, degrees = float(at["paper"]), float(at["paper_error"]), float(at["degrees"])
    perfect = float(at["paper_on_exact_data"])
    verdict = compare(value, error, degrees, perfect, "exact data")
    known, words = f"{perfect:.4f}" if np.isfinite(perfect) else "", f"{where}, paper's estimator"
    if not _at_critical(nearest):
        return [Row(words, value, error, "", "", _no_critical(field), known, verdict)]
    interval, universal = float(at["paper_interval"]), EXACT_DIMENSION[field]
    inside = abs(value - universal) <= interval
    remark = f"90 % interval of the fit ± {interval:.3f}: {'holds' if inside else 'does not hold'} {universal:g}"
    return [
        Row(words, value, error, statement, f"{universal:g}", remark, known, verdict),
        _torus_row(at, where, "torus", universal),
        _torus_row(at, where, "torus_amplitude", AMPLITUDE[field]),
    ]


def _at_critical(temperature: float) -> bool:
    return abs(temperature - exact.CRITICAL_TEMPERATURE) < SAME


def _no_critical(field: Field) -> str:
    return f"{EXACT_DIMENSION[field]:g} holds at T_c only, which the axis temperature lacks: add `critical` to it"


def _evidence(numbers: xr.Dataset, field: Field, size: int) -> Evidence:
    """Return what the paper's estimator gives at T_c, or that there is no such point."""
    at = numbers.sel(temperature=nearest_critical(numbers["temperature"]))
    if not _at_critical(float(at["temperature"])):
        return Evidence(CLAIMS[field], f"L = {size}", np.nan, np.nan, missing=_no_critical(field))
    return Evidence(
        CLAIMS[field],
        f"L = {size}, T_c",
        float(at["paper"]),
        float(at["paper_error"]),
        float(at["degrees"]),
        exact=EXACT_DIMENSION[field],
        perfect=float(at["paper_on_exact_data"]),
    )


def _torus_row(at: xr.Dataset, where: str, name: str, target: float) -> Row:
    """Return the dimension, or the amplitude, by the torus estimator: at T_c, less what it is off on exact data."""
    value, error = float(at[name]), float(at[f"{name}_error"])
    off = float(at["torus_off" if name == "torus" else "amplitude_off"])
    if not np.isfinite(off):
        remark = "too few displacements on so small a lattice"
    else:
        remark = f"{off:+.4f}, which it is off on exact data of this size, is taken off"
    words = "torus estimator" if name == "torus" else "torus estimator, amplitude"
    verdict = compare(value, error, float(at["degrees"]), target, "exact data")
    return Row(
        f"{where}, {words}", value, error, "", f"{target:.5g}", remark, f"{target + off:.4f} before that", verdict
    )
