"""Figure 6b: the dimension of energy along the flow."""

from __future__ import annotations

from functools import partial

from sweep.analysis.exact.ising import DELTA_EPSILON
from sweep.analysis.exhibits.flow_dimensions import DimensionFigure, dimension_figure
from sweep.analysis.exhibits.flow_drawing import around_critical

FIGURE_6B = partial(
    dimension_figure,
    what=DimensionFigure(
        "figure-6b",
        "Figure 6b: Δε against flow length",
        "Δε",
        DELTA_EPSILON,
        (
            ("epsilon with one mean", "paper"),
            ("epsilon", "paper"),
            ("epsilon of four neighbours", "paper"),
        ),
        partial(around_critical, count=3),
        "does not converge to 1",
    ),
)
