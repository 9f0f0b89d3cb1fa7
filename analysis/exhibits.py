"""What a report shows, in its order."""

from __future__ import annotations

from analysis.exhibit import Maker
from analysis.monte_carlo import FIGURE_5B, FIGURE_6A, thermodynamics

EXHIBITS: tuple[Maker, ...] = (thermodynamics, FIGURE_5B, FIGURE_6A)
