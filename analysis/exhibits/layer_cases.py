"""Which correlations between layers the paper's figures 7 to 11 show, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from sweep.analysis.estimators.layer_panels import exact_panels
from sweep.analysis.estimators.layers import LayerCorrelation
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

ROLES = {
    "RG": {(0, 1): "a", (1, 2): "b", (0, 2): "c"},
    "RBM": {(0, 1): "a-i", (1, 2): "a-ii", (0, 2): "a-iii"},
}
"""The paper's letters in figures 7 and 8, by the depths of the two layers."""

SINGLE = "b"  # in figure 8: one machine with as many units as the second layer of the stack


@dataclass(frozen=True)
class Shown:
    """A correlation in its place of the paper's figures.

    Parameters
    ----------
    letter : str
        Within the figure; empty for one that the paper does not have.
    case : LayerCorrelation
    """

    letter: str
    case: LayerCorrelation

    @property
    def name(self) -> str:
        """Return the layers in words, with the recipe of the training where there is one."""
        return self.case.label + (f", {self.recipe}" if self.recipe else "")

    @property
    def recipe(self) -> str:
        """Return how the machine of the upper layer was trained, in words; empty where there is none."""
        machine = self.case.upper.machine
        return f"preset {machine.preset}" if machine else ""

    @property
    def sampled(self) -> bool:
        """Return whether the layer is what the paper's is, samples or blocks, and not tanh means."""
        return self.case.upper.rule != "mean_field"

    @property
    def about(self) -> str:
        """Return how much is behind it, in words."""
        count = f"{self.case.lower.data.sizes['configuration']:,}".replace(",", " ")
        machine, trainings = self.case.upper.machine, self.case.realisations
        made = f", {trainings} training{'s' if trainings > 1 else ''} of {machine.stage}" if machine else ""
        return f"{self.case.label}: {count} configurations{made}"

    @property
    def exact(self) -> xr.DataArray | None:
        """Return the exact panels of averages over blocks of the same sides; None for another rule than averages."""
        rules = {layer.rule for layer in self.case.upper.chain if layer.kind == "RG"}
        return exact_panels(self.case) if rules <= {"", "average"} else None


def lattices(cases: Sequence[LayerCorrelation]) -> list[int]:
    """Return the sides of the data's lattices, ascending."""
    return sorted({case.upper.chain[0].side or 0 for case in cases})


def shown(cases: Sequence[LayerCorrelation], kind: str, lattice: int | None = None) -> list[Shown]:
    """Return what is no control, by the paper's letters.

    Of several with one letter, those at T_c come first, then those that the deeper layers are made from, in samples and
    averages: not tanh means, another rule, or another training beside the stack.

    Parameters
    ----------
    cases : sequence of LayerCorrelation
    kind : str
        RG or RBM.
    lattice : int, optional
        Side of the data's lattice; the smallest when left out.
    """
    sides = lattices(cases)
    wanted = lattice or (sides[0] if sides else 0)
    own = [c for c in cases if c.kind == kind and not c.control and c.upper.chain[0].side == wanted]
    second = {case.upper.units for case in own if case.upper.depth == 2}
    found = [Shown(_letter(case, second), case) for case in own]
    stack = {layer.stage for case in own if case.upper.depth == 2 for layer in case.upper.chain}
    return sorted(found, key=lambda one: (one.letter or "~", _from_critical(one.case), _aside(one.case, stack)))


def _aside(case: LayerCorrelation, stack: set[str]) -> tuple[bool, bool]:
    plain = all(layer.rule in ("", "average", "sampled") for layer in case.upper.chain)
    return case.upper.stage not in stack, not plain


def _letter(case: LayerCorrelation, second: set[int]) -> str:
    if case.kind == "RBM" and case.upper.depth == 1 and case.upper.units in second:
        return SINGLE
    return ROLES[case.kind].get((case.lower.depth, case.upper.depth), "")


def _from_critical(case: LayerCorrelation) -> float:
    return abs(float(case.at.get("temperature", CRITICAL_TEMPERATURE)) - CRITICAL_TEMPERATURE)


def one_of_each(found: Sequence[Shown]) -> list[Shown]:
    """Return the first of every letter, those that the paper does not have left out."""
    first: dict[str, Shown] = {}
    for one in found:
        if one.letter:
            first.setdefault(one.letter, one)
    return list(first.values())


def controls_of(case: LayerCorrelation, cases: Sequence[LayerCorrelation]) -> list[LayerCorrelation]:
    """Return the controls of a case: of the same kind and numbers of units, at the same temperature."""
    return [other for other in cases if other.control and _sides(other) == _sides(case)]


def _sides(case: LayerCorrelation) -> tuple[object, ...]:
    return case.kind, case.lower.units, case.upper.units, case.at.get("temperature")
