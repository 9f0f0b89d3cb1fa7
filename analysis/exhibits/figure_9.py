"""Figure 9: G(d) of block spins."""

from __future__ import annotations

import xarray as xr

from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.layer_cases import one_of_each, shown
from sweep.analysis.exhibits.pair_figures import curves, draw, evidence, rows, table

TITLE = "Correlation of panels against distance: block spins"
EXPLAINED = (
    "Above: G(d) (eq 61), the product of two sites' correlations with the same unit, averaged over units and pairs of "
    "sites at open distance d < L/2, free of the bias of a square of means. Dashed: (1/N_h) Σ ⟨m h_a⟩², the mean of G "
    "over all pairs: what every site has in common through the magnetisation, and no sign of locality. Its error moves "
    "all points together. Below: the same without its mean over the distances, with errors of its own."
)


def figure_9(tree: xr.DataTree) -> Exhibit | Absent:
    """Return G(d) of one step of block spins, of the next, and of both together."""
    cases = layer_correlations(tree)
    found = shown(cases, "RG")
    letters = one_of_each(found)
    if not letters:
        return Absent(TITLE, "no completed stage of the kernel layer_correlation whose layer is made of block spins")
    drawn = curves("9", letters, cases)
    papers = {"slope": "near-linear fall, of order 10⁻³ in all"}
    caption = f"{EXPLAINED} {'; '.join(one.about for one in letters)}."
    every = curves("9", found, cases)
    figure, lines = draw(drawn), tuple(rows(every, papers))
    return Exhibit("figure-9", TITLE, caption, figure, table(drawn), lines, evidence=tuple(evidence(every)))
