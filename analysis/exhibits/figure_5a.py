"""Figure 5a: the dimension of spin along the flow."""

from __future__ import annotations

from functools import partial

from sweep.analysis.exact.ising import DELTA_SIGMA
from sweep.analysis.exhibits.flow_dimensions import DimensionFigure, dimension_figure
from sweep.analysis.exhibits.flow_drawing import astride_critical

FIGURE_5A = partial(
    dimension_figure,
    what=DimensionFigure(
        "figure-5a",
        "Figure 5a: Δσ against flow length",
        "Δσ",
        DELTA_SIGMA,
        (("sigma", "paper"), ("sigma", "torus")),
        astride_critical,
        "flows at T = 2.2 and 2.3 bracket 1/8",
    ),
)
