"""What makes figures 5a and 6b: the scaling dimensions of spin and energy along the flow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.flow_cases import GROUPINGS, FlowCase, flow_cases
from sweep.analysis.estimators.flow_exponents import READINGS, dimension_curve
from sweep.analysis.estimators.two_point import fit_dimension
from sweep.analysis.exact.correlators import SIZES, four_neighbour_correlation, one_bond_correlation, spin_correlation
from sweep.analysis.exact.ising import DELTA_SIGMA
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Maker, Row
from sweep.analysis.exhibits.flow_drawing import (
    COLORS,
    LIMIT,
    NO_FLOW,
    SHOWN,
    about,
    by_case,
    classified,
    draw_curve,
    keep_in_view,
    legend_below,
    verdict,
)
from sweep.analysis.exhibits.style import EXACT, new_figure

SHOWN_GROUPING = "network class"  # the paper's
Estimate = tuple[str, str]  # field, estimator: a key of READINGS
EXACT_CORRELATORS: dict[str, Callable[[int, float], npt.NDArray[np.float64]]] = {
    "sigma": spin_correlation,
    "epsilon": one_bond_correlation,
    "epsilon of four neighbours": four_neighbour_correlation,
}
TITLES: dict[Estimate, str] = {
    ("sigma", "paper"): "paper's estimator",
    ("sigma", "torus"): "torus estimator",
    ("epsilon", "paper"): "paper's estimator, one bond",
    ("epsilon of four neighbours", "paper"): "paper's estimator, four neighbours",
    ("epsilon", "torus"): "torus estimator, one bond",
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


def figure_maker(what: DimensionFigure) -> Maker:
    """Return the maker of a figure of dimensions against flow length."""

    def maker(tree: xr.DataTree) -> Exhibit | Absent:
        cases = classified(flow_cases(tree))
        if not cases:
            return Absent(what.title, NO_FLOW)
        numbers = [_numbers(what, case) for case in cases]
        shown = min(len(cases), SHOWN)
        figure, panels = new_figure(len(what.estimates), height=3.4, rows=shown)
        for place, panel in enumerate(panels):
            case, estimate = place // len(what.estimates), what.estimates[place % len(what.estimates)]
            _draw(panel, what, cases[case], numbers[case], estimate)
        legend_below(figure, panels[0])
        rows = [row for n, case in enumerate(cases) for row in _rows(what, case, numbers[n], detailed=n == 0)]
        caption = (
            f"{what.symbol} of configurations that the network reads as T after so many steps. Error bars: one "
            "standard error from bins and trainings; band: spread over trainings, of five or more. Dotted: the "
            "universal value; dashed: what the same estimator gives on the exact correlator of the torus at "
            "T, without any choice of configurations. The torus estimator holds at T_c only. "
            f"{'; '.join(about(case) for case in cases)}."
        )
        return Exhibit(what.name, what.title, caption, figure, by_case(cases, numbers), tuple(rows))

    return maker


def exact_dimension(size: int, temperature: float, estimate: Estimate) -> float:
    """Return what an estimator gives on the exact correlator of the torus; NaN where there is none."""
    if size not in SIZES or temperature <= 0:
        return float("nan")
    data = EXACT_CORRELATORS[estimate[0]](size, temperature)
    reduced = READINGS[estimate].reduce(xr.DataArray(data, dims=("dy", "dx")))
    return float(fit_dimension(reduced)["dimension"])


def _numbers(what: DimensionFigure, case: FlowCase) -> xr.Dataset:
    """Return all estimates in all groupings, and the exact values, in one dataset."""
    temperatures = what.temperatures(case.temperatures(SHOWN_GROUPING).tolist())
    groupings = [name for name in GROUPINGS if case.has(name, temperatures)]
    parts = []
    for estimate in what.estimates:
        groups = [dimension_curve(case, *estimate, grouping, temperatures) for grouping in groupings]
        part = xr.concat(groups, xr.DataArray(groupings, dims="grouping", name="grouping"))
        exact = [exact_dimension(case.size, temperature, estimate) for temperature in temperatures]
        parts.append(part.assign(exact=("temperature", exact)))
    names = [" ".join(estimate) for estimate in what.estimates]
    return xr.concat(parts, xr.DataArray(names, dims="estimate", name="estimate"))


def _draw(panel: Axes, what: DimensionFigure, case: FlowCase, numbers: xr.Dataset, estimate: Estimate) -> None:
    curves = numbers.sel(estimate=" ".join(estimate), grouping=SHOWN_GROUPING)
    marks = [what.universal]
    for style, temperature in enumerate(curves["temperature"].values):
        curve = curves.sel(temperature=temperature)
        draw_curve(panel, curve, f"T = {temperature:.4g}", style)
        expected = float(curve["exact"])
        if np.isfinite(expected):
            marks.append(expected)
            panel.axhline(expected, color=COLORS[style % len(COLORS)], lw=0.9, ls="--")
            place = 1 - 0.3 * style, expected  # side by side: the lines may lie close together
            text = f"exact, T = {temperature:.4g}"
            panel.annotate(text, place, xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7)
    panel.axhline(what.universal, color=EXACT, lw=0.9, ls=":", label=f"{what.symbol} = {what.universal:g}")
    keep_in_view(panel, [curves.sel(temperature=t) for t in curves["temperature"].values], marks)
    failed = int(curves["value"].isnull().sum())
    if failed:
        text = f"{failed} of {curves['value'].size} fits failed"
        panel.annotate(text, (0.5, 0.98), xycoords="axes fraction", ha="center", va="top", fontsize=8)
    last = float(curves["flow_step"].max())
    panel.set(xlabel="flow length", ylabel=what.symbol, xlim=(-0.03 * last - 0.2, 1.03 * last + 0.2))
    panel.set_title(f"{TITLES[estimate]}\n{case.label}", fontsize=9)


def _rows(what: DimensionFigure, case: FlowCase, numbers: xr.Dataset, detailed: bool) -> Iterator[Row]:
    """Yield the values at the end of the flow, by the network's classes: of all estimators, or of the paper's first."""
    end = int(numbers["flow_step"].max())
    last = numbers.sel(grouping=SHOWN_GROUPING, flow_step=end)
    for estimate in what.estimates if detailed else what.estimates[:1]:
        for temperature in last["temperature"].values:
            at = last.sel(estimate=" ".join(estimate), temperature=temperature)
            where = f"{what.symbol} at flow length {end}, T = {temperature:.4g}, {TITLES[estimate]} ({case.label})"
            yield _row(what, at, where, what.statement if estimate[1] == "paper" else "")
    if what.name == "figure-5a":
        yield _bracket_row(case, last.sel(estimate="sigma paper"), end)


def _row(what: DimensionFigure, at: xr.Dataset, where: str, statement: str) -> Row:
    value, error, expected = float(at["value"]), float(at["error"]), float(at["exact"])
    remarks = [str(at["reason"].item())]
    if np.isfinite(value):
        remarks.append(verdict(value, error, what.universal, f"{what.universal:g}"))
        remarks.append(f"fit ± {float(at['fit_interval']):.3f} (90 %), {int(at['points'])} points")
    if np.isfinite(value) and np.isfinite(expected):
        remarks.append(verdict(value, error, expected, "the Ising model by the same estimator"))
    exact = f"{what.universal:g}" + (f"; {expected:.4f} with this estimator" if np.isfinite(expected) else "")
    return Row(where, value, error, statement, exact, "; ".join(remark for remark in remarks if remark))


def _bracket_row(case: FlowCase, last: xr.Dataset, end: int) -> Row:
    """Return whether the flows at the lowest and highest temperature lie on the two sides of 1/8."""
    low, high = last.isel(temperature=0), last.isel(temperature=-1)
    z = [float((at["value"] - DELTA_SIGMA) / at["error"]) for at in (low, high)]
    if not np.isfinite(z).all() or last.sizes["temperature"] < 2:
        remark = "not known: a value or its error is missing"
    elif z[0] < -LIMIT and z[1] > LIMIT:
        remark = "they do"
    elif z[0] > LIMIT or z[1] < -LIMIT:
        remark = "they do not, against the paper"
    else:
        remark = "not decided by our errors"
    temperatures = f"T = {float(low['temperature']):.4g} and {float(high['temperature']):.4g}"
    numbers = ", ".join(f"{float(at['value']):.4f} ± {float(at['error']):.4f}" for at in (low, high))
    quantity = f"do the flows at {temperatures} bracket 1/8 at length {end}? ({case.label})"
    return Row(quantity, np.nan, np.nan, "below and above", "", f"{remark}: {numbers}")
