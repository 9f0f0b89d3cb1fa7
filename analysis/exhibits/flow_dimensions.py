"""What makes figures 5a and 6b: the scaling dimensions of spin and energy along the flow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import ENERGY_FLOW, SPIN_FLOW
from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.flow_cases import GROUPINGS, SAME, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import READINGS, dimension_curve
from sweep.analysis.estimators.perfect import exact_dimension, selected_dimension
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, DELTA_SIGMA
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import (
    COLORS,
    LIMIT,
    MARKERS,
    NO_FLOW,
    SHOWN,
    about,
    by_case,
    classified,
    draw_curve,
    keep_in_view,
    left_out,
)
from sweep.analysis.exhibits.flow_rows import STEP_0, Expectation, exponent_evidence, exponent_row
from sweep.analysis.exhibits.style import EXACT, below_legend, wrapped_figure

SHOWN_GROUPING = "network class"  # the paper's
Estimate = tuple[str, str]  # field, estimator: a key of READINGS
TITLES: dict[Estimate, str] = {
    ("sigma", "paper"): "paper's estimator",
    ("sigma", "torus"): "torus estimator",
    ("epsilon", "paper"): "paper's estimator, one bond, mean of each site off",
    ("epsilon with one mean", "paper"): "paper's estimator, one bond, one mean off",
    ("epsilon of four neighbours", "paper"): "paper's estimator, four neighbours",
    ("epsilon", "torus"): "torus estimator",
}


@dataclass(frozen=True)
class DimensionFigure:
    """What tells figure 5a from figure 6b."""

    name: str
    title: str
    symbol: str
    universal: float
    estimates: tuple[Estimate, ...]
    temperatures: Callable[[Sequence[float]], tuple[float, ...]]
    statement: str


def dimension_figure(tree: xr.DataTree, what: DimensionFigure) -> Exhibit | Absent:
    """Return a figure of dimensions against flow length."""
    cases = classified(flow_cases(tree))
    if not cases:
        return Absent(what.title, NO_FLOW)
    curves = [_curves(what, case) for case in cases]
    drawn = [(case, *item) for case, found in zip(cases[:SHOWN], curves, strict=False) for item in found.items()]
    figure, panels = wrapped_figure(len(drawn), height=3.4)
    styles = sorted({temperature for _, _, curve in drawn for temperature in curve["temperature"].values.tolist()})
    for panel, (case, estimate, curve) in zip(panels, drawn, strict=False):
        _draw(panel, what, case, curve.sel(grouping=SHOWN_GROUPING), estimate, styles)
    below_legend(figure, *panels)
    rows = [row for n, case in enumerate(cases) for row in _rows(what, case, curves[n], whole=n == 0)]
    caption = (
        f"{what.symbol} of configurations that the network reads as T after so many steps. Error bars: one "
        "standard error from bins and trainings; band: spread over trainings, of five or more; small full marks: "
        "single trainings where the fit of another failed. What is beyond a panel is not drawn. Dashed, its mark "
        "at the right: step 0, what this choice of configurations gives on perfect data, where a machine that "
        "learnt them perfectly stays. Dotted: the universal value, the paper's claim. "
        f"{'; '.join(about(case) for case in cases)}.{left_out(len(cases))}"
        f"{_no_panel(what, cases[:SHOWN], curves)}"
    )
    numbers = by_case(cases, [_together(c) for c in curves])
    evidence = [one for case, found in zip(cases, curves, strict=True) for one in _evidence(what, case, found)]
    return Exhibit(what.name, what.title, caption, figure, numbers, tuple(rows), evidence=tuple(evidence))


def _curves(what: DimensionFigure, case: FlowCase) -> dict[Estimate, xr.Dataset]:
    """Return the curves of every estimate that the flow has data for, in all groupings.

    The torus estimator holds at T_c only, so only classes of that temperature have it.
    """
    labels = case.temperatures(SHOWN_GROUPING).tolist()
    critical = tuple(label for label in labels if abs(label - CRITICAL_TEMPERATURE) < SAME)
    found = {}
    for estimate in what.estimates:
        temperatures = critical if estimate[1] == "torus" else what.temperatures(labels)
        if not temperatures or READINGS[estimate].quantity not in case.data:
            continue
        groupings = [name for name in GROUPINGS if case.has(name, temperatures)]
        groups = [dimension_curve(case, *estimate, grouping, temperatures) for grouping in groupings]
        exact = [float(exact_dimension(case.size, t, *estimate)["dimension"]) for t in temperatures]
        curve = xr.concat(groups, xr.DataArray(groupings, dims="grouping", name="grouping"))
        found[estimate] = curve.assign(exact=("temperature", exact))
    return found


def _no_panel(what: DimensionFigure, cases: Sequence[FlowCase], curves: Sequence[dict[Estimate, xr.Dataset]]) -> str:
    """Return in words why an estimator has no panel."""
    missing = [
        f" No panel: {TITLES[estimate]} for {case.label}, as the flow has no"
        f" {READINGS[estimate].quantity.replace('_', ' ')}{' at T_c' if estimate[1] == 'torus' else ''}."
        for case, found in zip(cases, curves, strict=False)
        for estimate in what.estimates
        if estimate not in found
    ]
    return "".join(missing)


def _together(curves: dict[Estimate, xr.Dataset]) -> xr.Dataset:
    """Return all estimates in one dataset, single trainings left out."""
    names = xr.DataArray([" ".join(estimate) for estimate in curves], dims="estimate", name="estimate")
    parts = [curve.drop_dims(REALISATION, errors="ignore") for curve in curves.values()]
    return xr.concat(parts, names, join="outer", fill_value={"reason": "not estimated"})


def _draw(
    panel: Axes,
    what: DimensionFigure,
    case: FlowCase,
    curves: xr.Dataset,
    estimate: Estimate,
    styles: Sequence[float],
) -> None:
    """Draw the curves of an estimate; those of one temperature look alike in all panels, by its place in `styles`."""
    marks = [what.universal]
    each = [curves.sel(temperature=temperature) for temperature in curves["temperature"].values]
    for curve in each:
        style = styles.index(float(curve["temperature"]))
        draw_curve(panel, curve, f"T = {float(curve['temperature']):.4g}", style)
        start = float(curve["value"].isel(flow_step=0))
        if np.isfinite(start):
            marks.append(start)
            level = panel.axhline(start, color=COLORS[style % len(COLORS)], lw=0.9, ls="--", clip_on=False)
            level.set(marker=MARKERS[style % len(MARKERS)], markersize=4, markerfacecolor="white", markevery=[1])
    panel.axhline(
        what.universal, color=EXACT, lw=0.9, ls=":", label=f"{what.symbol} = {what.universal:g}, paper's claim"
    )
    keep_in_view(panel, each, marks)
    failed = int((curves["failed"] > 0).sum())
    missing = f"; at {failed} of {curves['failed'].size} points some fit failed" if failed else ""
    last = float(curves["flow_step"].max())
    panel.set(xlabel="flow length", ylabel=what.symbol, xlim=(-0.03 * last - 0.2, 1.03 * last + 0.2))
    panel.set_title(f"{TITLES[estimate]}\n{case.label}{missing}")


def _rows(what: DimensionFigure, case: FlowCase, curves: dict[Estimate, xr.Dataset], whole: bool) -> Iterator[Row]:
    """Yield the values at the end of the flow: of all estimates, or of the first only.

    By the network's classes, as in the paper; by those of the exact energy too, for the first estimate.
    """
    for place, (estimate, curve) in enumerate(curves.items()):
        if place > 0 and not whole:
            break
        groupings = [SHOWN_GROUPING, "energy class"] if place == 0 else [SHOWN_GROUPING]
        for grouping, temperature in itertools.product(groupings, curve["temperature"].values.tolist()):
            yield _row(what, case, estimate, curve.sel(grouping=grouping, temperature=temperature))
    first = next(iter(curves), None)
    if what.name == "figure-5a" and first is not None:
        yield _bracket_row(case, curves[first].sel(grouping=SHOWN_GROUPING))


def _row(what: DimensionFigure, case: FlowCase, estimate: Estimate, curve: xr.Dataset) -> Row:
    end, grouping, temperature = int(curve["flow_step"].max()), curve["grouping"].item(), float(curve["temperature"])
    by_energy, canonical = grouping == "energy class", float(curve["exact"])
    known = f"; {canonical:.4f} by this estimator at T" if np.isfinite(canonical) else ""
    expected = Expectation(
        what.statement if estimate[1] == "paper" and not by_energy else "",
        f"{what.universal:g}{known}",
        selected_dimension(case, temperature, *estimate),
        by_energy,
    )
    where = f"{what.symbol} at flow length {end}, {grouping} T = {temperature:.4g}, {TITLES[estimate]} ({case.label})"
    interval, points = float(curve["fit_interval"].isel(flow_step=-1)), int(curve["points"].max())
    fit = f"fit ± {interval:.3f} (90 %), {points} points" if np.isfinite(interval) else ""
    return exponent_row(where, curve, end, expected, fit)


def _evidence(what: DimensionFigure, case: FlowCase, curves: dict[Estimate, xr.Dataset]) -> Iterator[Evidence]:
    """Yield what the end of the flow says of the paper's claim, by its own grouping and the first estimator."""
    found = next((curve for estimate, curve in curves.items() if estimate[1] == "paper"), None)
    if found is None:
        return
    curve = found.sel(grouping=SHOWN_GROUPING)
    end = int(curve["flow_step"].max())
    for temperature in curve["temperature"].values.tolist():
        where, at = f"T = {temperature:.4g}, flow length {end} ({case.label})", curve.sel(temperature=temperature)
        if what.name == "figure-6b":
            yield exponent_evidence(ENERGY_FLOW, where, at, end, what.universal)
        else:
            side = 1.0 if temperature > CRITICAL_TEMPERATURE else -1.0
            at = at.assign(value=side * (at["value"] - what.universal))
            yield exponent_evidence(SPIN_FLOW, where, at, end, np.nan)


def _bracket_row(case: FlowCase, curve: xr.Dataset) -> Row:
    """Return whether the flows at the lowest and highest temperature end on the two sides of 1/8."""
    start, last = curve.isel(flow_step=0), curve.isel(flow_step=-1)
    ends = [last.isel(temperature=place) for place in (0, -1)]
    z = [float((at["value"] - DELTA_SIGMA) / at["error"]) for at in ends]
    if not np.isfinite(z).all() or last.sizes["temperature"] < 2:
        remark = "not known: a value or its error is missing"
    elif z[0] < -LIMIT and z[1] > LIMIT:
        remark = "they do"
    elif z[0] > LIMIT or z[1] < -LIMIT:
        remark = "they do not, against the paper"
    else:
        remark = "not decided by our errors"
    temperatures = " and ".join(f"{float(at['temperature']):.4g}" for at in ends)
    quantity = f"do the flows at T = {temperatures} bracket 1/8 at length {int(last['flow_step'])}? ({case.label})"
    numbers = ", ".join(f"{float(at['value']):.4f} ± {float(at['error']):.4f}" for at in ends)
    begin = " and ".join(f"{float(start['value'].isel(temperature=place)):.4f}" for place in (0, -1))
    perfect = f"{begin} at {STEP_0}"
    return Row(quantity, np.nan, np.nan, "below and above", "", f"{remark}: {numbers}", perfect)
