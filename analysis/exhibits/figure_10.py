"""Figure 10: G(d) of hidden units."""

from __future__ import annotations

import xarray as xr

from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.figure_9 import EXPLAINED
from sweep.analysis.exhibits.layer_cases import one_of_each, shown
from sweep.analysis.exhibits.pair_figures import curves, draw, evidence, rows, table

TITLE = "Correlation of panels against distance: hidden units"


def figure_10(tree: xr.DataTree) -> Exhibit | Absent:
    """Return G(d) of the stack of machines and of a single machine, each over the data's lattice."""
    cases = layer_correlations(tree)
    found = shown(cases, "RBM")
    drawn = curves("10", one_of_each(found), cases)
    if not drawn:
        return Absent(TITLE, "no completed correlation between data and the hidden units of a machine")
    papers = {"slope": "a fall of the same order as block spins'", "level": "an offset, left unexplained"}
    caption = (
        f"{EXPLAINED} Solid lines are exact block averages of the same sides, not machines. Hidden units have no "
        "distances, so 8a-ii has no curve. Controls may leave the view. "
        f"{'; '.join(curve.one.about for curve in drawn)}."
    )
    every = curves("10", found, cases)
    figure, lines = draw(drawn), tuple(rows(every, papers))
    return Exhibit("figure-10", TITLE, caption, figure, table(drawn), lines, evidence=tuple(evidence(every)))
