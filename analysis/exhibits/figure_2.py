"""Figure 2: the exponent of the magnetisation along the flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import FLOW_LENGTH, MAGNETIZATION
from sweep.analysis.estimators.convergence import TOLERANCE
from sweep.analysis.estimators.fixed_point import convergence_of
from sweep.analysis.estimators.flow_cases import GROUPINGS, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import magnetization_curve
from sweep.analysis.estimators.perfect import exact_magnetization_exponent
from sweep.analysis.exact.ising import DELTA_SIGMA
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import (
    NO_FLOW,
    PAPER_LENGTH,
    SHOWN,
    about,
    by_case,
    classified,
    draw_curve,
    keep_in_view,
    left_out,
    paper_step,
)
from sweep.analysis.exhibits.flow_rows import Expectation, exponent_evidence, exponent_row
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, below_legend, wrapped_figure

EARLIER_LENGTH = 9  # convergence length of Funai and Giataganas


def figure_2(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the exponent of the magnetisation against flow length."""
    title = "Figure 2: Δm against flow length"
    cases = classified(flow_cases(tree))
    if not cases:
        return Absent(title, NO_FLOW)
    curves = [{grouping: magnetization_curve(case, grouping) for grouping in GROUPINGS} for case in cases]
    figure, panels = wrapped_figure(min(len(cases), SHOWN))
    for panel, case, groups in zip(panels, cases, curves, strict=False):
        _draw_curves(panel, case, groups)
    below_legend(figure, panels[0])
    temperatures = curves[0]["network class"].attrs["temperatures"]
    caption = (
        f"Fit of |m| = A (|T - T_c| / T_c)^Δm at T = {_listed(temperatures)}, of configurations that the network, or "
        "the exact energy thermometer, reads as those temperatures after so many steps, or that started there. Error "
        "bars: one standard error from bins and trainings; band: spread over trainings, of five or more; small full "
        "marks: single trainings where the fit of another failed. What is beyond a panel is not drawn. Dashed: step 0 "
        "of the network's classes, where a machine that learnt the data perfectly stays; dotted: 1/8, the paper's "
        "claim. "
        f"{'; '.join(about(case) for case in cases)}.{left_out(len(cases))}"
    )
    grouped = [xr.concat(list(groups.values()), _names(groups), join="outer") for groups in curves]
    rows = [row for case, groups in zip(cases, curves, strict=True) for row in _rows(case, groups)]
    evidence = [
        one for case, groups in zip(cases, curves, strict=True) for one in _evidence(case, groups["network class"])
    ]
    return Exhibit("figure-2", title, caption, figure, by_case(cases, grouped), tuple(rows), evidence=tuple(evidence))


def _names(groups: dict[str, xr.Dataset]) -> xr.DataArray:
    return xr.DataArray(list(groups), dims="grouping", name="grouping")


def _listed(temperatures: Sequence[float]) -> str:
    return ", ".join(f"{temperature:g}" for temperature in temperatures)


def _draw_curves(panel: Axes, case: FlowCase, groups: dict[str, xr.Dataset]) -> None:
    labels = {"start": "started at T", "network class": "network reads T", "energy class": "energy reads T"}
    order = ("network class", "energy class", "start")
    for style, grouping in enumerate(order):
        draw_curve(panel, groups[grouping], labels[grouping], style)
    start = float(groups["network class"]["value"].isel(flow_step=0))
    panel.axhline(DELTA_SIGMA, color=EXACT, lw=0.9, ls=":", label="1/8, the paper's claim")
    if np.isfinite(start):
        panel.axhline(start, color=OURS, lw=0.9, ls="--", label="network reads T, step 0: perfect data")
    for length, whose in ((EARLIER_LENGTH, "earlier"), (PAPER_LENGTH, "paper")):
        if length <= int(groups["start"]["flow_step"].max()):
            _mark_length(panel, length, whose, OTHER, "-.", 2)
    ours = convergence_of(groups["network class"]).mean
    if np.isfinite(ours):
        _mark_length(panel, ours, "ours", OURS, "-", 12)
    keep_in_view(panel, list(groups.values()), (DELTA_SIGMA, start))
    panel.set(xlabel="flow length", ylabel="Δm")
    panel.set_title(case.label, pad=26 if np.isfinite(ours) else 15)


def _mark_length(panel: Axes, length: float, whose: str, color: str, dashes: str, height: float) -> None:
    """Mark a convergence length, in words above the panel, so many points high."""
    panel.axvline(length, color=color, lw=0.8, ls=dashes)
    panel.annotate(
        f"{whose}: {length:.3g}",
        (length, 1),
        (0, height),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
    )


def _rows(case: FlowCase, groups: dict[str, xr.Dataset]) -> Iterator[Row]:
    for grouping in ("network class", "energy class"):
        curve = groups[grouping]
        step = paper_step(curve)
        temperatures = curve.attrs["temperatures"]
        where = f"Δm at flow length {step}, by {grouping}, T = {_listed(temperatures)} ({case.label})"
        canonical = exact_magnetization_exponent(case.size, temperatures)
        exact = "1/8 at L = ∞" + (f"; {canonical:.4f} with this fit to ⟨|m|⟩ at T" if np.isfinite(canonical) else "")
        claim = "converges to 1/8" if grouping == "network class" else ""
        yield exponent_row(where, curve, step, Expectation(claim, exact))
    yield _convergence_row(case, groups["network class"])


def _evidence(case: FlowCase, curve: xr.Dataset) -> Iterator[Evidence]:
    """Yield what the paper's own grouping says of where the exponent converges to, and when."""
    step, found = paper_step(curve), convergence_of(curve)
    yield exponent_evidence(MAGNETIZATION, f"flow length {step} ({case.label})", curve, step, DELTA_SIGMA)
    yield Evidence(
        FLOW_LENGTH,
        case.label,
        found.mean,
        found.error,
        len(found.lengths) - 1,
        trainings=len(found.lengths) + len(found.reasons),
        missing=f"a flow whose every point has a fit would decide it: {found.remark()}",
    )


def _convergence_row(case: FlowCase, curve: xr.Dataset) -> Row:
    found = convergence_of(curve)
    meaning = f"flow steps after which Δm stays within {TOLERANCE:.0%} of its largest distance from the plateau"
    plateau = f"plateau {found.plateau:.3f}" if np.isfinite(found.plateau) else ""
    remark = "; ".join(part for part in (meaning, plateau, found.remark()) if part)
    quantity = f"convergence length of Δm ({case.label})"
    return Row(quantity, found.mean, found.error, "26; 9 in earlier work", "", remark)
