"""Figure 8: how hidden units are correlated with the layers below them; and the same of two controls."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.layer_panels import panels_of
from sweep.analysis.estimators.layers import LayerCorrelation, layer_correlations
from sweep.analysis.exhibits.exhibit import Absent, Exhibit
from sweep.analysis.exhibits.layer_cases import Shown, controls_of, one_of_each, shown
from sweep.analysis.exhibits.panel_drawing import Mosaic, draw_columns, drawn, mosaic
from sweep.analysis.exhibits.patch_rows import PatchNumbers, machine_evidence, patch_numbers, patch_rows

TITLE = "Correlation of hidden units with the layers below"
CONTROLS_TITLE = "Bright patches, beside a machine before its training and one trained on renamed sites"
NO_MACHINE = "no completed stage of the kernel layer_correlation whose layer is made by a machine"
RAW = r"$\langle v_i h_a \rangle$"
FIXED = RAW + r" $-\;\langle v_i m \rangle \langle m h_a \rangle / \langle m^2 \rangle$, signs and places fixed"
EXPLAINED = (
    "Left: ⟨v_i h_a⟩ (eq 60), raw, units in the order in which training left them. A unit that knows the sign of m is "
    "bright, or dark, everywhere. Right: what goes through m taken out, each unit turned to follow m, and put where "
    "the centre of its map is (linear assignment of periodic centres of mass of the squared map to the middles of "
    "blocks). One scale for each column, which a few of the strongest sites go beyond. The first training is shown; "
    "the table has all."
)
LOWER = (
    " Where the lower layer is hidden too, its units were put in place first (right only); those of them that have no "
    "patch of their own take the places that are left, and may stand together."
)


def figure_8(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the panels ⟨v_i h_a⟩ of a stack of machines, layer by layer and through it, and of a single machine."""
    cases = layer_correlations(tree)
    found = shown(cases, "RBM")
    letters = one_of_each(found)
    if not letters:
        return Absent(TITLE, NO_MACHINE)
    titled = [(f"8{one.letter}: {one.case.label}", one.case) for one in letters]
    figure, numbers = _drawn(titled, cases)
    between = any(one.case.lower.kind == "RBM" for one in letters)
    caption = f"{EXPLAINED}{LOWER if between else ''} {'; '.join(one.about for one in letters)}."
    patches = [patch_numbers("8", one, cases) for one in found]
    evidence = tuple(machine_evidence(patches))
    return Exhibit("figure-8", TITLE, caption, figure, numbers, tuple(patch_rows(patches)), evidence=evidence)


def figure_8_controls(tree: xr.DataTree) -> Exhibit | Absent:
    """Return a trained machine's panels above those before its training, and of one trained on renamed sites."""
    cases = layer_correlations(tree)
    pairs = [(one, controls_of(one.case, cases)) for one in one_of_each(shown(cases, "RBM"))]
    trained, controls = next(((one, several) for one, several in pairs if several), (None, []))
    if trained is None:
        return Absent(CONTROLS_TITLE, "no completed correlation with a machine that is untrained or of permuted sites")
    several = [trained, *(Shown("", control) for control in controls)]
    titled = [(f"8{trained.letter}: {trained.case.label}", trained.case), *((c.label, c) for c in controls)]
    figure, numbers = _drawn(titled, cases)
    caption = (
        f"{EXPLAINED} Untrained: the random weights of the start. Site-permuted: trained on data whose sites were "
        "renamed, which keeps every correlation and destroys who is whose neighbour; maps are over the sites as they "
        "were before. A machine knows of no neighbours, so its patches must come back: they are in the data's "
        f"correlations. {'; '.join(one.about for one in several)}. Their numbers stand beside those of figure 8."
    )
    told = _conclusion(patch_numbers("8", trained, cases))
    return Exhibit("figure-8-controls", CONTROLS_TITLE, caption, figure, numbers, conclusion=told)


def _conclusion(patches: PatchNumbers) -> str:
    """Return in words how many units have a patch, before training and on renamed sites too."""
    found = [("trained", float(patches.found["one"]["value"]))]
    found += [(name, float(numbers["one"])) for name, numbers in patches.controls]
    return f"Units with exactly one bright patch: {', '.join(f'{name} {share:.0%}' for name, share in found)}."


def _drawn(
    titled: Sequence[tuple[str, LayerCorrelation]], cases: Sequence[LayerCorrelation]
) -> tuple[Figure, xr.Dataset]:
    """Return raw panels beside those with signs and places fixed, and what is drawn."""
    raw, fixed = [], []
    for title, case in titled:
        panels = panels_of(case, cases)
        placed = panels.centred * panels.sign if panels.placed is None else panels.placed
        raw.append(_first(title, case.data["correlation"]))
        fixed.append(_first(title, placed))
    numbers = drawn(raw, "correlation").assign(fixed=drawn(fixed, "fixed")["fixed"])
    return draw_columns([(RAW, raw), (FIXED, fixed)]), numbers


def _first(title: str, panels: xr.DataArray) -> Mosaic:
    """Return the mosaic of the first training."""
    return mosaic(title, panels.isel({REALISATION: 0}) if REALISATION in panels.dims else panels)
