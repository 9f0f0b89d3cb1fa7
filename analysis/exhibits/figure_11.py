"""Figure 11: G(d) on the larger lattice, block spins beside hidden units."""

from __future__ import annotations

import xarray as xr

from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.figure_9 import EXPLAINED
from sweep.analysis.exhibits.layer_cases import Shown, lattices, shown
from sweep.analysis.exhibits.pair_figures import curves, draw, evidence, rise_evidence, rows, table

TITLE = "Correlation of panels against distance, on a larger lattice"


def figure_11(tree: xr.DataTree) -> Exhibit | Absent:
    """Return G(d) of one step from the largest lattice of the store, by block spins and by a machine."""
    cases = layer_correlations(tree)
    sides = lattices(cases)
    if len(sides) < 2:
        return Absent(TITLE, "figures 9 and 10 show the only lattice whose layers are correlated with their data")
    found = [one for kind in ("RG", "RBM") for one in shown(cases, kind, sides[-1])]
    first = [Shown("", one.case) for one in found if (one.case.lower.depth, one.case.upper.depth) == (0, 1)]
    by_kind = {one.case.kind: one for one in reversed(first)}
    drawn = curves("11", [by_kind[kind] for kind in ("RG", "RBM") if kind in by_kind], cases)
    if not drawn:
        return Absent(TITLE, f"no completed correlation of the {sides[-1]}×{sides[-1]} data with a first layer")
    papers = {"slope": "a clearer fall", "rise": "a slight rise near the largest distance"}
    caption = f"{EXPLAINED} Solid: exact block averages. {'; '.join(curve.one.about for curve in drawn)}."
    every = curves("11", first, cases)
    figure, lines = draw(drawn), tuple(rows(every, papers))
    said = (*evidence(every), *rise_evidence(every))
    return Exhibit("figure-11", TITLE, caption, figure, table(drawn), lines, evidence=said)
