"""Figure 12: G(d) of white noise."""

from functools import partial

from sweep.analysis.exhibits.patterns import NOISE, pattern_figure

FIGURE_12 = partial(
    pattern_figure,
    name="figure-12",
    pattern=NOISE,
    title="Correlation against distance in a panel of white noise",
    statement='"no trend"',
)
