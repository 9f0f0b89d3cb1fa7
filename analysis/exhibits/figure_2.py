"""Figure 2: the exponent of the magnetisation along the flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.convergence import TOLERANCE
from sweep.analysis.estimators.fixed_point import convergence_of
from sweep.analysis.estimators.flow_cases import GROUPINGS, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import exact_magnetization_exponent, magnetization_curve
from sweep.analysis.exact.ising import DELTA_SIGMA
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import (
    NO_FLOW,
    PAPER_LENGTH,
    SHOWN,
    about,
    at_paper_length,
    by_case,
    classified,
    draw_curve,
    keep_in_view,
    legend_below,
    verdict,
)
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, new_figure

EARLIER_LENGTH = 9  # convergence length of Funai and Giataganas


def figure_2(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the exponent of the magnetisation against flow length."""
    title = "Figure 2: Δm against flow length"
    cases = classified(flow_cases(tree))
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
        at = at_paper_length(curve)
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
