"""What a report shows, in its order."""

from __future__ import annotations

from analysis.dimension_figures import FIGURE_5A, FIGURE_6B
from analysis.exhibit import Maker
from analysis.fixed_point_figure import fixed_points
from analysis.magnetization_figures import figure_2, figure_4
from analysis.monte_carlo import FIGURE_5B, FIGURE_6A, thermodynamics
from analysis.thermometer_figures import figure_3, thermometer_quality

EXHIBITS: tuple[Maker, ...] = (
    thermodynamics,
    figure_2,
    figure_3,
    thermometer_quality,
    figure_4,
    FIGURE_5A,
    FIGURE_5B,
    FIGURE_6A,
    FIGURE_6B,
    fixed_points,
)
