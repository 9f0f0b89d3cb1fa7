"""Rows of figures 7 and 8: what the pictures suggest, in numbers, beside exact block spins and controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.estimators.layer_panels import exactly, numbers_of, panels_of
from sweep.analysis.estimators.layers import LayerCorrelation
from sweep.analysis.estimators.patches import by_training
from sweep.analysis.exhibits.exhibit import Row
from sweep.analysis.exhibits.layer_cases import Shown, controls_of


@dataclass(frozen=True)
class Quantity:
    """One number of the units of a layer: what the table calls it, and what the paper says of it, by kind."""

    name: str
    paper: dict[str, str]


QUANTITIES = {
    "one": Quantity(
        "share of units with exactly one bright patch",
        {"RG": "one bright spot per hidden spin", "RBM": "bright, local patches"},
    ),
    "count": Quantity("bright patches per unit", {}),
    "area": Quantity("area above half maximum, visible sites per unit that has one", {"RG": "wider after more steps"}),
    "overlap": Quantity("cosine with neighbours' panels", {}),
    "positive": Quantity("share of units of sign +1", {"RBM": "signs differ between hidden units"}),
    "alike": Quantity("cosine with block spins, ⟨m⟩ taken out, signs and places fixed", {}),
    "alike_raw": Quantity("cosine with block spins, raw, signs fixed, any place", {}),
}
VERY_SIMILAR = '8a-iii and 7c "very similar"'


def patch_rows(figure: str, found: Sequence[Shown], cases: Sequence[LayerCorrelation]) -> list[Row]:
    """Return the rows of all cases of a figure.

    Parameters
    ----------
    figure : str
        Number of the figure, such as "8".
    found : sequence of Shown
    cases : sequence of LayerCorrelation
        All of the store, controls among them.
    """
    return [row for one in found for row in _rows_of(figure, one, cases)]


def _rows_of(figure: str, one: Shown, cases: Sequence[LayerCorrelation]) -> Iterator[Row]:
    exact = one.exact
    panels = panels_of(one.case, cases)
    numbers = numbers_of(panels, exact)
    perfect = None if exact is None else numbers_of(exactly(exact), exact).mean()
    controls = [(c.control, numbers_of(panels_of(c, cases), exact).mean()) for c in controls_of(one.case, cases)]
    where = f"{figure}{one.letter}: {one.name}"
    for name, quantity in QUANTITIES.items():
        result = by_training(numbers[name])
        paper = quantity.paper.get(one.case.kind, "")
        if name.startswith("alike") and one.letter == "a-iii":
            paper = VERY_SIMILAR
        beside = [("exact block spins", perfect[name])] if perfect is not None else []
        beside += [(control, mean[name]) for control, mean in controls]
        yield Row(
            f"{quantity.name} ({where})",
            float(result["value"]),
            float(result["error"]),
            paper,
            "",
            _remark(name, one, result, panels.lower_fixed),
            "; ".join(f"{words} {float(value):.3g}" for words, value in beside if np.isfinite(value)),
        )


def _remark(name: str, one: Shown, result: xr.Dataset, lower_fixed: bool) -> str:
    if name in ("overlap", "alike", "alike_raw") and not np.isfinite(float(result["value"])):
        return _why_not(name, one)
    each = result["by_realisation"].values.tolist()
    several = f"by training: {', '.join(f'{value:.3g}' for value in each)}"
    words = [several if len(each) > 1 else "error: scatter of the units"]
    if lower_fixed:
        words.append("units of the lower layer put in place by their own correlation with the data")
    elif one.case.lower.kind == "RBM":
        words.append("units of the lower layer as training left them: they have no places")
    return "; ".join(words)


def _why_not(name: str, one: Shown) -> str:
    if one.case.upper.side is None:
        return f"{one.case.upper.units} hidden units make no square: they have no places"
    return "too few units for neighbours" if name == "overlap" else "no block spins of these sides to compare with"
