"""What a report shows, in its order."""

from __future__ import annotations

from functools import partial
from importlib.metadata import EntryPoint, entry_points

import xarray as xr

from sweep.analysis.exhibits.appendix_b import appendix_b
from sweep.analysis.exhibits.block_information import block_information
from sweep.analysis.exhibits.effective_couplings import effective_couplings
from sweep.analysis.exhibits.exact_gate import exact_gate
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Maker
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
from sweep.analysis.exhibits.own_stage import stage_exhibit
from sweep.analysis.exhibits.thermodynamics import thermodynamics
from sweep.analysis.exhibits.thermometer_quality import thermometer_quality

GROUP = "sweep.exhibits"
LAYERS = ("block_spin", "encode")
SHOWN: dict[Maker, tuple[str, ...]] = {
    thermodynamics: ("ising",),
    figure_2: ("rbm_flow",),
    figure_3: ("thermometer",),
    thermometer_quality: ("thermometer",),
    figure_4: ("rbm_flow",),
    FIGURE_5A: ("rbm_flow",),
    FIGURE_5B: ("ising",),
    FIGURE_6A: ("ising",),
    FIGURE_6B: ("rbm_flow",),
    fixed_points: ("rbm_flow",),
    flow_ends: ("rbm_flow",),
    figure_7: ("layer_correlation",),
    figure_8: ("layer_correlation",),
    figure_8_controls: ("layer_correlation",),
    figure_9: ("layer_correlation",),
    figure_10: ("layer_correlation",),
    figure_11: ("layer_correlation",),
    FIGURE_12: ("panel",),
    FIGURE_13: ("panel",),
    figure_14a: ("block_spin",),
    figure_14b: ("encode",),
    monte_carlo_rg: LAYERS,
    block_information: LAYERS,
    effective_couplings: ("rbm", "ising_machine"),
    exact_gate: ("rbm_partition", "rbm_samples"),
    appendix_b: ("rbm",),
}
"""What a report shows, in its order, and the kernels whose stages it is made from."""

KNOWN = {kernel for kernels in SHOWN.values() for kernel in kernels} | {"rbm_snapshot", "permuted_spins"}
"""Kernels whose results the exhibits show; stages of others get a page of their own."""


def makers_for(tree: xr.DataTree) -> list[Maker]:
    """Return what a report of a store shows.

    That is what its stages may give, what other packages add in the entry-point group `GROUP`, and a page for every
    stage of another kernel.
    """
    kernels = {name: str(node.attrs["kernel"]) for name, node in tree.children.items() if "kernel" in node.attrs}
    own = [partial(stage_exhibit, name=name) for name, kernel in kernels.items() if kernel not in KNOWN]
    added = [partial(_added, entry=entry) for entry in entry_points(group=GROUP)]
    return [*(maker for maker, needed in SHOWN.items() if {*needed} & {*kernels.values()}), *added, *own]


def _added(tree: xr.DataTree, entry: EntryPoint) -> Exhibit | Absent:
    """Return what another package adds."""
    found: Exhibit | Absent = entry.load()(tree)
    return found
