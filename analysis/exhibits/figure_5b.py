"""Figure 5b: the dimension of spin against temperature, from Monte Carlo."""

from __future__ import annotations

from functools import partial

from sweep.analysis.exhibits.monte_carlo_dimensions import dimension_exhibit

FIGURE_5B = partial(
    dimension_exhibit,
    field="sigma",
    name="figure-5b",
    title="Figure 5b: Δσ against temperature, Monte Carlo",
    statement="near 1/8 at T_c",
)
