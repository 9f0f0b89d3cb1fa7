"""What a report shows, in its order."""

from __future__ import annotations

from sweep.analysis.exhibits.dimension_figures import FIGURE_5A, FIGURE_6B
from sweep.analysis.exhibits.exhibit import Maker
from sweep.analysis.exhibits.fixed_point_figure import fixed_points
from sweep.analysis.exhibits.magnetization_figures import figure_2, figure_4
from sweep.analysis.exhibits.monte_carlo import FIGURE_5B, FIGURE_6A, thermodynamics
from sweep.analysis.exhibits.thermometer_figures import figure_3, thermometer_quality

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
