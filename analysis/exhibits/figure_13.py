"""Figure 13: G(d) of checkerboards."""

from sweep.analysis.exhibits.patterns import CHECKERBOARD, pattern_figure

FIGURE_13 = pattern_figure(
    "figure-13",
    CHECKERBOARD,
    "Correlation against distance in checkerboards",
    "several peaks; only squares of 16×16 look like block spins",
)
