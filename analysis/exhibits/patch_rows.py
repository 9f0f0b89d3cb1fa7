"""Rows of figures 7 and 8: what the pictures suggest, in numbers, beside exact block spins and controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.claims.claim import Claim, Evidence
from sweep.analysis.claims.paper import (
    BLOCK_SPOTS,
    BLOCK_SPREAD,
    MACHINE_ALIKE,
    MACHINE_SIGNS,
    MACHINE_SPOTS,
)
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


@dataclass(frozen=True)
class PatchNumbers:
    """What there is to count of the units of a layer.

    Parameters
    ----------
    where : str
        Figure, letter and layers in words.
    one : Shown
    found : mapping of str to Dataset
        What `by_training` gives of each of `QUANTITIES`.
    perfect : Dataset, optional
        The same of exact block spins.
    controls : sequence of (str, Dataset)
        What they are, and the same of them.
    lower_fixed : bool
        Whether units of the lower layer were put in place first.
    """

    where: str
    one: Shown
    found: Mapping[str, xr.Dataset]
    perfect: xr.Dataset | None
    controls: Sequence[tuple[str, xr.Dataset]]
    lower_fixed: bool

    def evidence(self, claim: Claim, name: str) -> Evidence:
        """Return what one of the numbers says of a claim."""
        result, machine = self.found[name], self.one.case.upper.machine
        value, error, degrees = (float(result[part]) for part in ("value", "error", "degrees"))
        return Evidence(
            claim,
            self.where,
            value,
            error,
            degrees,
            trainings=int(result["realisations"]) if machine else None,
            recipe=self.one.recipe,
        )


def patch_numbers(figure: str, one: Shown, cases: Sequence[LayerCorrelation]) -> PatchNumbers:
    """Return the numbers of one case of a figure.

    Parameters
    ----------
    figure : str
        Number of the figure, such as "8".
    one : Shown
    cases : sequence of LayerCorrelation
        All of the store, controls among them.
    """
    exact = one.exact
    panels = panels_of(one.case, cases)
    numbers = numbers_of(panels, exact)
    return PatchNumbers(
        f"{figure}{one.letter}: {one.name}",
        one,
        {name: by_training(numbers[name]) for name in QUANTITIES},
        None if exact is None else numbers_of(exactly(exact), exact).mean(),
        [(c.control, numbers_of(panels_of(c, cases), exact).mean()) for c in controls_of(one.case, cases)],
        panels.lower_fixed,
    )


def patch_rows(patches: Sequence[PatchNumbers]) -> list[Row]:
    """Return the rows of all cases of a figure."""
    return [row for one in patches for row in _rows_of(one)]


def _rows_of(patches: PatchNumbers) -> Iterator[Row]:
    one, perfect = patches.one, patches.perfect
    for name, quantity in QUANTITIES.items():
        result = patches.found[name]
        paper = quantity.paper.get(one.case.kind, "")
        if name.startswith("alike") and one.letter == "a-iii":
            paper = VERY_SIMILAR
        beside = [("exact block spins", perfect[name])] if perfect is not None else []
        beside += [(control, mean[name]) for control, mean in patches.controls]
        yield Row(
            f"{quantity.name} ({patches.where})",
            float(result["value"]),
            float(result["error"]),
            paper,
            "",
            _remark(name, one, result, patches.lower_fixed),
            "; ".join(f"{words} {float(value):.3g}" for words, value in beside if np.isfinite(value)),
        )


def block_evidence(patches: Sequence[PatchNumbers]) -> Iterator[Evidence]:
    """Yield what block spins say of the paper's claims on figure 7."""
    yield from (one.evidence(BLOCK_SPOTS, "one") for one in patches)
    by_letter = {one.one.letter: one.evidence(BLOCK_SPREAD, "area") for one in reversed(patches)}
    if {"a", "c"} <= set(by_letter):
        once, twice = by_letter["a"], by_letter["c"]
        value, error = twice.value - once.value, float(np.hypot(once.error, twice.error))
        degrees = min(once.degrees, twice.degrees)
        yield Evidence(BLOCK_SPREAD, f"{once.where}, and {twice.where}", value, error, degrees)


def machine_evidence(patches: Sequence[PatchNumbers]) -> Iterator[Evidence]:
    """Yield what hidden units say of the paper's claims on figure 8; maps of the data's own lattice only."""
    on_data = [one for one in patches if one.one.letter and one.one.case.lower.kind != "RBM" and one.one.sampled]
    yield from (one.evidence(MACHINE_SPOTS, "one") for one in on_data)
    yield from (one.evidence(MACHINE_SIGNS, "positive") for one in on_data)
    yield from (one.evidence(MACHINE_ALIKE, "alike") for one in on_data if one.one.letter == "a-iii")


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
