"""What a report shows, in its order."""

from __future__ import annotations

from sweep.analysis.exhibits.appendix_b import appendix_b
from sweep.analysis.exhibits.block_information import block_information
from sweep.analysis.exhibits.effective_couplings import effective_couplings
from sweep.analysis.exhibits.exact_gate import exact_gate
from sweep.analysis.exhibits.exhibit import Maker
from sweep.analysis.exhibits.figure_2 import figure_2
from sweep.analysis.exhibits.figure_3 import figure_3
from sweep.analysis.exhibits.figure_4 import figure_4
from sweep.analysis.exhibits.figure_5a import FIGURE_5A
from sweep.analysis.exhibits.figure_5b import FIGURE_5B
from sweep.analysis.exhibits.figure_6a import FIGURE_6A
from sweep.analysis.exhibits.figure_6b import FIGURE_6B
from sweep.analysis.exhibits.figure_7 import figure_7
from sweep.analysis.exhibits.figure_8 import figure_8, figure_8_controls
from sweep.analysis.exhibits.figure_9 import figure_9
from sweep.analysis.exhibits.figure_10 import figure_10
from sweep.analysis.exhibits.figure_11 import figure_11
from sweep.analysis.exhibits.figure_12 import FIGURE_12
from sweep.analysis.exhibits.figure_13 import FIGURE_13
from sweep.analysis.exhibits.figure_14a import figure_14a
from sweep.analysis.exhibits.figure_14b import figure_14b
from sweep.analysis.exhibits.fixed_points import fixed_points
from sweep.analysis.exhibits.flow_ends import flow_ends
from sweep.analysis.exhibits.monte_carlo_rg import monte_carlo_rg
from sweep.analysis.exhibits.thermodynamics import thermodynamics
from sweep.analysis.exhibits.thermometer_quality import thermometer_quality

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
    flow_ends,
    figure_7,
    figure_8,
    figure_8_controls,
    figure_9,
    figure_10,
    figure_11,
    FIGURE_12,
    FIGURE_13,
    figure_14a,
    figure_14b,
    monte_carlo_rg,
    block_information,
    effective_couplings,
    exact_gate,
    appendix_b,
)
