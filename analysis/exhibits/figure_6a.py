"""Figure 6a: the dimension of energy against temperature, from Monte Carlo."""

from __future__ import annotations

from sweep.analysis.exhibits.monte_carlo_dimensions import dimension_exhibit

FIGURE_6A = dimension_exhibit("epsilon", "figure-6a", "Figure 6a: Δε against temperature, Monte Carlo", "near 1 at T_c")
