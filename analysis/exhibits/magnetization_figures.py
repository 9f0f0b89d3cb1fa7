"""Figures 2 and 4: the exponent of the magnetisation along the flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.convergence import TOLERANCE
from sweep.analysis.estimators.crossed import mean_with_error
from sweep.analysis.estimators.fixed_point import convergence_of
from sweep.analysis.estimators.flow_cases import GROUPINGS, SAME, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import (
    EXACT_ABS_MAGNETIZATION,
    exact_magnetization_exponent,
    fit_magnetization,
    magnetization_curve,
)
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, DELTA_SIGMA
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import SHOWN, about, by_case, draw_curve, keep_in_view, legend_below, verdict
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, new_figure

PAPER_LENGTH, EARLIER_LENGTH = 26, 9  # convergence lengths: the paper's, and Funai and Giataganas'
WINDOW = (1.5, 2.7)  # temperatures that figure 4 shows
NO_FLOW = "no stage of the kernel rbm_flow is complete that flows from all temperatures together"


def figure_2(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the exponent of the magnetisation against flow length."""
    title = "Figure 2: Δm against flow length"
    cases = _classified(flow_cases(tree))
    if not cases:
        return Absent(title, NO_FLOW)
    curves = [{grouping: magnetization_curve(case, grouping) for grouping in GROUPINGS} for case in cases]
    figure, panels = new_figure(min(len(cases), SHOWN))
    for panel, case, groups in zip(panels, cases, curves, strict=False):
        _draw_curves(panel, case, groups)
    legend_below(figure, panels[0])
    temperatures = curves[0]["network class"].attrs["temperatures"]
    caption = (
        f"Fit of |m| = A (|T - T_c| / T_c)^Δm at T = {_listed(temperatures)}, of configurations that the network, or "
        "the exact energy thermometer, reads as those temperatures after so many steps, or that started there. Error "
        "bars: one standard error from bins and trainings; band: spread over trainings, of five or more. Dotted: 1/8; "
        f"dashed: the same fit to the exact |m|. {'; '.join(about(case) for case in cases)}."
    )
    grouped = [xr.concat(list(groups.values()), _names(groups), join="outer") for groups in curves]
    rows = [row for case, groups in zip(cases, curves, strict=True) for row in _rows(case, groups)]
    return Exhibit("figure-2", title, caption, figure, by_case(cases, grouped), tuple(rows))


def figure_4(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the fit of A and Delta_m at the flow length where the paper has converged, or at the end."""
    title = f"Figure 4: fit of A and Δm at flow length {PAPER_LENGTH}"
    cases = _classified(flow_cases(tree))
    if not cases:
        return Absent(title, NO_FLOW)
    figure, panels = new_figure(min(len(cases), SHOWN))
    curves = [_at_paper_length(magnetization_curve(case, "network class")) for case in cases]
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


def _classified(cases: Sequence[FlowCase]) -> list[FlowCase]:
    return [case for case in cases if "network_class_count" in case.data]


def _names(groups: dict[str, xr.Dataset]) -> xr.DataArray:
    return xr.DataArray(list(groups), dims="grouping", name="grouping")


def _listed(temperatures: Sequence[float]) -> str:
    return ", ".join(f"{temperature:g}" for temperature in temperatures)


def _draw_curves(panel: Axes, case: FlowCase, groups: dict[str, xr.Dataset]) -> None:
    labels = {"start": "started at T", "network class": "network reads T", "energy class": "energy reads T"}
    order = ("network class", "energy class", "start")
    for style, grouping in enumerate(order):
        draw_curve(panel, groups[grouping], labels[grouping], style)
    expected = exact_magnetization_exponent(case.size, groups["network class"].attrs["temperatures"])
    panel.axhline(DELTA_SIGMA, color=EXACT, lw=0.9, ls=":", label="1/8")
    if np.isfinite(expected):
        panel.axhline(expected, color=EXACT, lw=0.9, ls="--", label=f"same fit, exact |m|: {expected:.3f}")
    for length, text in ((EARLIER_LENGTH, "earlier: 9"), (PAPER_LENGTH, "paper: 26")):
        if length <= int(groups["start"]["flow_step"].max()):
            panel.axvline(length, color=OTHER, lw=0.8, ls="-.")
            panel.annotate(text, (length, 0.99), xycoords=("data", "axes fraction"), rotation=90, va="top", ha="right")
    ours = convergence_of(groups["network class"]).mean
    if np.isfinite(ours):
        panel.axvline(ours, color=OURS, lw=1)
        place = ours, 0.01
        words = f"ours: {ours:.3g}"
        panel.annotate(words, place, xycoords=("data", "axes fraction"), rotation=90, va="bottom", ha="right")
    keep_in_view(panel, list(groups.values()), (DELTA_SIGMA, expected))
    panel.set(xlabel="flow length", ylabel="Δm", title=case.label)


def _rows(case: FlowCase, groups: dict[str, xr.Dataset]) -> Iterator[Row]:
    for grouping in ("network class", "energy class"):
        curve = groups[grouping]
        at = _at_paper_length(curve)
        expected = exact_magnetization_exponent(case.size, curve.attrs["temperatures"])
        where = f"Δm at flow length {int(at['flow_step'])}, by {grouping}, T = {_listed(curve.attrs['temperatures'])}"
        value, error, reason = float(at["value"]), float(at["error"]), str(at["reason"].item())
        yield Row(
            f"{where} ({case.label})",
            value,
            error,
            "converges to 1/8" if grouping == "network class" else "",
            f"1/8 at L = ∞; {expected:.4f} with this fit" if np.isfinite(expected) else "1/8 at L = ∞",
            reason if not np.isfinite(value) else f"{verdict(value, error, DELTA_SIGMA, '1/8')}. {reason}".strip(),
        )
    yield _convergence_row(case, groups["network class"])


def _convergence_row(case: FlowCase, curve: xr.Dataset) -> Row:
    found = convergence_of(curve)
    meaning = f"flow steps after which Δm stays within {TOLERANCE:.0%} of its largest distance from the plateau"
    remark = "; ".join(part for part in (meaning, f"plateau {found.plateau:.3f}", found.remark()) if part)
    quantity = f"convergence length of Δm ({case.label})"
    return Row(quantity, found.mean, found.error, "26; 9 in earlier work", "", remark)


def _at_paper_length(curve: xr.Dataset) -> xr.Dataset:
    return curve.sel(flow_step=min(PAPER_LENGTH, int(curve["flow_step"].max())))


def _magnetization(case: FlowCase, step: int) -> xr.Dataset:
    values, count = case.select("abs_magnetization", "network class")
    means = mean_with_error(values.sel(flow_step=step), count.sel(flow_step=step))
    return means.assign(configurations=count.sel(flow_step=step).sum([d for d in count.dims if d not in _KEPT]))


_KEPT = ("temperature", "flow_step")


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
    known = EXACT_ABS_MAGNETIZATION.get(case.size, {})
    if known:
        panel.plot(list(known), list(known.values()), "x", color=OTHER, label="exact, torus")
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
