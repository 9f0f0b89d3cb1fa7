"""Figure 5b: the dimension of spin against temperature, from Monte Carlo."""

from __future__ import annotations

from sweep.analysis.exhibits.monte_carlo_dimensions import dimension_exhibit

FIGURE_5B = dimension_exhibit("sigma", "figure-5b", "Figure 5b: Δσ against temperature, Monte Carlo", "near 1/8 at T_c")
