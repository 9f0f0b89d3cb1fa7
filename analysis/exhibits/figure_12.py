"""Figure 12: G(d) of white noise."""

from sweep.analysis.exhibits.patterns import NOISE, pattern_figure

FIGURE_12 = pattern_figure("figure-12", NOISE, "Correlation against distance in a panel of white noise", '"no trend"')
