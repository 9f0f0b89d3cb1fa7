"""Figure 4: the fit of amplitude and exponent of the magnetisation at one flow length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.crossed import mean_with_error
from sweep.analysis.estimators.flow_cases import SAME, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import fit_magnetization, magnetization_curve
from sweep.analysis.estimators.perfect import exact_magnetization
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import (
    NO_FLOW,
    PAPER_LENGTH,
    SHOWN,
    by_case,
    classified,
    left_out,
    paper_step,
)
from sweep.analysis.exhibits.flow_rows import Expectation, exponent_row
from sweep.analysis.exhibits.style import OTHER, OURS, TORUS, below_legend, wrapped_figure

WINDOW = (1.5, 2.7)  # temperatures that figure 4 shows
GROUPING = "network class"  # the paper's


def figure_4(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the fit of A and Delta_m at the flow length where the paper has converged, or at the end."""
    title = f"Figure 4: fit of A and Δm at flow length {PAPER_LENGTH}"
    cases = classified(flow_cases(tree))
    if not cases:
        return Absent(title, NO_FLOW)
    figure, panels = wrapped_figure(min(len(cases), SHOWN))
    curves = [magnetization_curve(case, GROUPING) for case in cases]
    steps = [paper_step(curve) for curve in curves]
    data = [_magnetization(case, step) for case, step in zip(cases, steps, strict=True)]
    for panel, case, curve, points in zip(panels, cases, curves, data, strict=False):
        _draw_fit(panel, case, curve.attrs["temperatures"], points)
    below_legend(figure, panels[0])
    rows = [
        _amplitude_row(case, curve.sel(flow_step=step)) for case, curve, step in zip(cases, curves, steps, strict=True)
    ]
    caption = (
        "|m| of configurations that the network reads as a temperature, mean and standard error; full points are "
        "fitted, without weights, by A (|T - T_c| / T_c)^Δm with T_c fixed; ± is the fit's 90 % interval. "
        "Squares, with their fit: the same classes "
        "at step 0, perfect data. Crosses: exact |m| of the torus at T, without any choice of configurations."
        f"{left_out(len(cases))}"
    )
    told = " ".join(_conclusion(case, curve) for case, curve in zip(cases, curves, strict=True))
    return Exhibit("figure-4", title, caption, figure, by_case(cases, data), tuple(rows), conclusion=told)


def _conclusion(case: FlowCase, curve: xr.Dataset) -> str:
    """Return in words the exponent that is fitted here, beside that of perfect data."""
    step = paper_step(curve)
    value, error = (float(curve[name].sel(flow_step=step)) for name in ("value", "error"))
    found = f"{value:.3f} ± {error:.3f}" if np.isfinite(value + error) else "no fit for every training"
    perfect = float(curve["value"].isel(flow_step=0))
    known = f", and {perfect:.3f} at step 0, on perfect data" if np.isfinite(perfect) else ""
    return f"Δm of {case.label}, claimed to be 1/8: {found} at flow length {step}{known} (figure 2 judges the claim)."


def _magnetization(case: FlowCase, step: int) -> xr.Dataset:
    """Return |m| by class at step 0 and at a step of the flow, and how many configurations there are."""
    values, count = case.select("abs_magnetization", GROUPING)
    values, count = (part.sel(flow_step=[0, step]) for part in (values, count))
    total = count.sum([dim for dim in count.dims if dim not in ("temperature", "flow_step")])
    return mean_with_error(values, count).assign(configurations=total)


def _draw_fit(panel: Axes, case: FlowCase, fitted: Sequence[float], points: xr.Dataset) -> None:
    inside = points.sel(temperature=slice(WINDOW[0] - SAME, WINDOW[1] + SAME))
    grid = np.linspace(min(fitted, default=np.nan), max(fitted, default=np.nan), 100)
    reduced = np.abs(grid - CRITICAL_TEMPERATURE) / CRITICAL_TEMPERATURE
    names = (("s", TORUS, "step 0, perfect data"), ("o", OURS, "end of the flow"))
    found = []
    for place, (marker, color, name) in enumerate(names):
        at = inside.isel(flow_step=place)
        panel.errorbar(
            at["temperature"], at["value"], at["error"], fmt=marker, mfc="white", color=color, capsize=2, label=name
        )
        chosen = at.sel(temperature=list(fitted), method="nearest", tolerance=SAME)["value"]
        panel.plot(fitted, chosen, marker, color=color, zorder=3)
        fit = fit_magnetization(chosen)
        panel.plot(
            grid, float(fit["amplitude"]) * reduced ** float(fit["dimension"]), color=color, ls=("--", "-")[place]
        )
        found.append(f"{name}: {_fit_words(fit)}")
    exact = exact_magnetization(case.size, np.asarray(inside["temperature"]).tolist())
    panel.plot(exact["temperature"], exact, "x", color=OTHER, label="exact, torus at T")
    panel.set(
        xlabel="temperature T (J/k_B)",
        ylabel="⟨|m|⟩ per site",
        ylim=(0, 1.05),
    )
    title = f"{case.label}, flow length {int(points['flow_step'].max())}"
    panel.set_title("\n".join([title, *found]))


def _fit_words(fit: xr.Dataset) -> str:
    """Return amplitude and exponent of a fit, with its own 90 % interval."""
    if not np.isfinite(float(fit["dimension"])):
        return "no fit"
    amplitude, exponent, interval = (float(fit[name]) for name in ("amplitude", "dimension", "dimension_interval"))
    return f"A = {amplitude:.3f}, Δm = {exponent:.3f} ± {interval:.3f}"


def _amplitude_row(case: FlowCase, exponent: xr.Dataset) -> Row:
    curve, step = magnetization_curve(case, GROUPING, parameter="amplitude"), int(exponent["flow_step"])
    interval = float(exponent["fit_interval"])
    fit = f"Δm of one fit to all trainings {float(exponent['fit_value']):.4f} ± {interval:.4f} (90 %, Student t)"
    remark = f"{fit}, {int(exponent['points'])} points" if np.isfinite(interval) else ""
    return exponent_row(f"A at flow length {step} ({case.label})", curve, step, Expectation("", ""), remark)
