"""Figure 4: the fit of amplitude and exponent of the magnetisation at one flow length."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.crossed import mean_with_error
from sweep.analysis.estimators.flow_cases import SAME, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import fit_magnetization, magnetization_curve
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.moments import SIZES, moments
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import (
    NO_FLOW,
    PAPER_LENGTH,
    SHOWN,
    at_paper_length,
    by_case,
    classified,
    legend_below,
)
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, new_figure

WINDOW = (1.5, 2.7)  # temperatures that figure 4 shows
_KEPT = ("temperature", "flow_step")


def figure_4(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the fit of A and Delta_m at the flow length where the paper has converged, or at the end."""
    title = f"Figure 4: fit of A and Δm at flow length {PAPER_LENGTH}"
    cases = classified(flow_cases(tree))
    if not cases:
        return Absent(title, NO_FLOW)
    figure, panels = new_figure(min(len(cases), SHOWN))
    curves = [at_paper_length(magnetization_curve(case, "network class")) for case in cases]
    data = [_magnetization(case, int(curve["flow_step"])) for case, curve in zip(cases, curves, strict=True)]
    for panel, case, curve, points in zip(panels, cases, curves, data, strict=False):
        _draw_fit(panel, case, curve, points)
    legend_below(figure, panels[0])
    rows = [_amplitude_row(case, curve) for case, curve in zip(cases, curves, strict=True)]
    caption = (
        "|m| of configurations that the network reads as a temperature, mean and standard error; full points are "
        "fitted, without weights, by A (|T - T_c| / T_c)^Δm with T_c fixed. Crosses: exact |m| of the torus."
    )
    return Exhibit("figure-4", title, caption, figure, by_case(cases, data), tuple(rows))


def _magnetization(case: FlowCase, step: int) -> xr.Dataset:
    values, count = case.select("abs_magnetization", "network class")
    means = mean_with_error(values.sel(flow_step=step), count.sel(flow_step=step))
    return means.assign(configurations=count.sel(flow_step=step).sum([d for d in count.dims if d not in _KEPT]))


def _draw_fit(panel: Axes, case: FlowCase, curve: xr.Dataset, points: xr.Dataset) -> None:
    inside = points.sel(temperature=slice(WINDOW[0] - SAME, WINDOW[1] + SAME))
    fitted = curve.attrs["temperatures"]
    panel.errorbar(
        inside["temperature"],
        inside["value"],
        inside["error"],
        fmt="o",
        mfc="white",
        color=OURS,
        capsize=2,
        label="|m|",
    )
    chosen = points.sel(temperature=fitted, method="nearest", tolerance=SAME)
    panel.plot(fitted, chosen["value"], "o", color=OURS, zorder=3, label="fitted")
    fit = fit_magnetization(chosen["value"])
    grid = np.linspace(*WINDOW, 400)
    shape = (np.abs(grid - CRITICAL_TEMPERATURE) / CRITICAL_TEMPERATURE) ** float(fit["dimension"])
    panel.plot(grid, float(fit["amplitude"]) * shape, color=EXACT, lw=1, label="fit")
    words = f"A = {float(curve['amplitude']):.3f}, Δm = {float(curve['value']):.3f}"
    panel.annotate(words, (0.03, 0.03), xycoords="axes fraction")
    if case.size in SIZES:
        exact = [moments(case.size, float(temperature)).abs_m for temperature in inside["temperature"]]
        panel.plot(inside["temperature"], exact, "x", color=OTHER, label="exact, torus")
    panel.set(
        xlabel="temperature T (J/k_B)",
        ylabel="⟨|m|⟩ per site",
        ylim=(0, 1.05),
        title=f"{case.label}, flow length {int(curve['flow_step'])}",
    )


def _amplitude_row(case: FlowCase, curve: xr.Dataset) -> Row:
    value, error = float(curve["amplitude"]), float(curve["amplitude_error"])
    interval, chi2 = float(curve["fit_interval"]), float(curve["chi2_dof"])
    fit = f"Δm of the fit to all trainings {float(curve['fit_value']):.4f} ± {interval:.4f} (90 %, Student t), "
    remark = fit + f"{int(curve['points'])} points, χ²/dof {chi2:.2g}"
    reason = str(curve["reason"].item())
    where = f"A at flow length {int(curve['flow_step'])} ({case.label})"
    return Row(where, value, error, "", "", "; ".join(part for part in (remark, reason) if part))
