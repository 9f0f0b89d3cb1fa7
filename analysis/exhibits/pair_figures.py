"""What makes figures 9 to 11: G(d), the product of panels at two sites against their distance (eq 61)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweep.analysis.claims.claim import Claim, Evidence
from sweep.analysis.claims.paper import BLOCK_FALL, MACHINE_FALL, MACHINE_RISE
from sweep.analysis.estimators.layers import LayerCorrelation
from sweep.analysis.estimators.panel_pairs import FAR, line, measured, pair_correlation, pseudo_values
from sweep.analysis.estimators.verdict import Verdict, compare
from sweep.analysis.exhibits.exhibit import Row
from sweep.analysis.exhibits.layer_cases import Shown, controls_of
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, TORUS, below_legend, new_figure

BESIDE = 3  # curves beside each other
OFFSET = r"$N_h^{-1} \sum_a \langle m h_a \rangle^2$"
NAMES = {
    "slope": "slope of a line through G(d)",
    "level": "offset of G(d): its mean over the distances",
    "rise": f"slope of G(d) beyond {FAR:g} of the largest distance",
}


@dataclass(frozen=True)
class Curve:
    """G(d) of one correlation: measured, and what it stands beside.

    Parameters
    ----------
    one : Shown
    title : str
    numbers : Dataset
        Of `measured`.
    offset : DataArray[...]
        (1/N_h) sum_a <m h_a>^2 of the same configurations, of every training.
    exact : DataArray[distance], optional
        Of averages over blocks of the same sides, on exact data.
    controls : sequence of (str, Dataset)
        What they are, and their numbers.
    """

    one: Shown
    title: str
    numbers: xr.Dataset
    offset: xr.DataArray
    exact: xr.DataArray | None
    controls: Sequence[tuple[str, xr.Dataset]] = ()

    @property
    def trainings(self) -> int | None:
        """Return how many trainings are behind it; None for block spins."""
        return self.one.case.realisations if self.one.case.upper.machine else None


def curves(figure: str, found: Sequence[Shown], cases: Sequence[LayerCorrelation]) -> list[Curve]:
    """Return the curves of what has distances: panels over a lattice, not over hidden units."""
    return [_curve(figure, one, cases) for one in found if one.case.lower.kind != "RBM"]


def _curve(figure: str, one: Shown, cases: Sequence[LayerCorrelation]) -> Curve:
    panels = one.exact
    exact = None if panels is None else pair_correlation(panels)
    title = f"{figure}{one.letter}: {one.name}"
    offset = (one.case.data["magnetization_correlation"] ** 2).mean("hidden_unit")
    controls = [(other.control, _measured(other)) for other in controls_of(one.case, cases)]
    return Curve(one, title, _measured(one.case), offset, exact, controls)


def _measured(case: LayerCorrelation) -> xr.Dataset:
    return measured(pseudo_values(case.data[["panel_correlation", "panel_correlation_without"]].load()))


def draw(found: Sequence[Curve]) -> Figure:
    """Return a figure: above, G(d) and what explains its offset; below, the same without its mean over distances."""
    columns = min(len(found), BESIDE)
    blocks = -(-len(found) // columns)
    figure, panels = new_figure(columns, 3.0, 2 * blocks)
    for place, curve in enumerate(found):
        row, column = divmod(place, columns)
        above, below = (panels[(2 * row + half) * columns + column] for half in (0, 1))
        _draw_values(above, curve)
        _draw_shape(below, curve)
        above.tick_params(labelbottom=False)
        above.set(xlim=below.get_xlim(), ylabel="G(d)" if column == 0 else "")
        below.set_ylabel("G(d) − mean over d" if column == 0 else "")
    used = [panel for panel in panels if panel.has_data()]
    for panel in panels:
        if panel in used:
            panel.ticklabel_format(axis="y", useOffset=False)
        else:
            panel.remove()
    below_legend(figure, *used)
    return figure


def _draw_values(panel: Axes, curve: Curve) -> None:
    numbers, offset = curve.numbers, float(curve.offset.mean())
    _points(panel, numbers["curve"], numbers["curve_error"])
    panel.axhline(offset, color=TORUS, lw=1.2, ls="--", label=f"{OFFSET}, same configurations")
    if curve.exact is not None and curve.one.case.kind == "RG":
        panel.plot(curve.exact["distance"], curve.exact, color=EXACT, lw=1.2, label="block averages, exact")
    panel.set_title(curve.title)


def _draw_shape(panel: Axes, curve: Curve) -> None:
    _points(panel, curve.numbers["shape"], curve.numbers["shape_error"])
    if curve.exact is not None:
        shape = curve.exact - curve.exact.mean()
        panel.plot(shape["distance"], shape, color=EXACT, lw=1.2, label="block averages, exact")
    panel.set_ylim(panel.get_ylim())  # an untrained machine may fall ten times as far
    for style, (name, numbers) in zip((":", "-."), curve.controls, strict=False):
        shape = numbers["shape"]
        panel.plot(shape["distance"], shape, color=OTHER, lw=1.2, ls=style, label=f"{name} machine")
    panel.set_xlabel("distance d (sites of the lower layer)")


def _points(panel: Axes, values: xr.DataArray, errors: xr.DataArray) -> None:
    style: dict[str, Any] = {"ms": 2 if values.size > 60 else 3.5, "mfc": "white", "lw": 0.6, "mew": 0.6}
    panel.errorbar(values["distance"], values, errors, fmt="o", color=OURS, label="G(d), one standard error", **style)


def rows(found: Sequence[Curve], papers: dict[str, str]) -> list[Row]:
    """Return slope, offset and rise of every curve.

    Parameters
    ----------
    found : sequence of Curve
    papers : mapping of str to str
        What the paper says of `slope`, `level` and `rise`.
    """
    return [row for curve in found for row in _rows_of(curve, papers)]


def _rows_of(curve: Curve, papers: dict[str, str]) -> Iterator[Row]:
    exact = None if curve.exact is None else line(curve.exact)
    for name, quantity in NAMES.items():
        one = curve.numbers.sel(quantity=name)
        value, error = float(one["value"]), float(one["error"])
        if not np.isfinite(value):
            continue
        target = float("nan") if exact is None else float(exact[name])
        beside = [("exact block averages", target)]
        beside += [(control, float(numbers["value"].sel(quantity=name))) for control, numbers in curve.controls]
        perfect = "; ".join(f"{words} {number:.4g}" for words, number in beside if np.isfinite(number))
        remark, verdict = _each(one["by_realisation"]), None
        if name == "level":
            remark = "; ".join(filter(None, [_explained(curve, value), remark]))
        else:
            degrees, trainings = float(one["degrees"]), curve.trainings
            verdict = compare(value, error, degrees, target, "exact block averages", trainings=trainings)
        own = f"{target:.4g}" if curve.one.case.kind == "RG" and np.isfinite(target) else ""
        yield Row(
            f"{quantity} ({curve.title})", value, error, papers.get(name, ""), own, remark, perfect, _given(verdict)
        )


def evidence(found: Sequence[Curve]) -> Iterator[Evidence]:
    """Yield what curves say of how G(d) falls: of block spins as it is, of machines beside exact block averages."""
    for curve in found:
        if curve.one.case.kind == "RG":
            yield _evidence(BLOCK_FALL, curve, "slope")
        elif curve.exact is not None and curve.one.sampled:
            yield _evidence(MACHINE_FALL, curve, "slope", float(line(curve.exact)["slope"]))


def rise_evidence(found: Sequence[Curve]) -> Iterator[Evidence]:
    """Yield what curves of machines say of how G(d) goes near the largest distance."""
    yield from (_evidence(MACHINE_RISE, curve, "rise") for curve in found if curve.one.case.kind == "RBM")


def _evidence(claim: Claim, curve: Curve, quantity: str, unit: float = 1.0) -> Evidence:
    one = curve.numbers.sel(quantity=quantity)
    value, error, degrees = (float(one[name]) for name in ("value", "error", "degrees"))
    exact = np.nan if curve.exact is None else float(line(curve.exact)[quantity]) / unit
    return Evidence(
        claim,
        curve.title,
        value / unit,
        error / abs(unit),
        degrees,
        exact=exact,
        perfect=exact,
        trainings=curve.trainings,
        recipe=curve.one.recipe,
        missing="a larger lattice, with more distances, would decide it",
    )


def _given(verdict: Verdict | None) -> Verdict | None:
    return verdict if verdict and verdict.given else None


def _each(values: xr.DataArray) -> str:
    each = np.atleast_1d(values.values).tolist()
    return f"by training: {', '.join(f'{value:.3g}' for value in each)}" if len(each) > 1 else ""


def _explained(curve: Curve, level: float) -> str:
    """Return in words how much of the offset goes through the magnetisation."""
    offset = float(curve.offset.mean())
    words = f"(1/N_h) Σ ⟨m h_a⟩² of the same configurations is {offset:.4f}: {offset / level:.1%} of it"
    if curve.one.case.kind == "RG":
        words += f"; that is ⟨m²⟩², here {float(curve.one.case.data['m2'].mean()) ** 2:.4f}"
    return words


def table(found: Sequence[Curve]) -> xr.Dataset:
    """Return what is drawn, one distance after the other, with the title of each curve."""
    parts = []
    for curve in found:
        names = ("curve", "curve_error", "shape", "shape_error")
        data = {name: curve.numbers[name].values for name in names}
        data["distance"] = curve.numbers["distance"].values
        data["exact"] = np.full(len(data["distance"]), np.nan) if curve.exact is None else curve.exact.values
        data["shown"] = np.full(len(data["distance"]), curve.title)
        parts.append(xr.Dataset({name: ("value", values) for name, values in data.items()}))
    return xr.concat(parts, "value")
