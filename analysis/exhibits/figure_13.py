"""Figure 13: G(d) of checkerboards."""

from functools import partial

from sweep.analysis.exhibits.patterns import CHECKERBOARD, pattern_figure

FIGURE_13 = partial(
    pattern_figure,
    name="figure-13",
    pattern=CHECKERBOARD,
    title="Correlation against distance in checkerboards",
    statement="several peaks; only squares of 16×16 look like block spins",
)
