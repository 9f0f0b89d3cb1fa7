"""Figure 6a: the dimension of energy against temperature, from Monte Carlo."""

from __future__ import annotations

from functools import partial

from sweep.analysis.exhibits.monte_carlo_dimensions import dimension_exhibit

FIGURE_6A = partial(
    dimension_exhibit,
    field="epsilon",
    name="figure-6a",
    title="Figure 6a: Δε against temperature, Monte Carlo",
    statement="near 1 at T_c",
)
