"""Figure 7: how block spins are correlated with the spins below them, and how blocks are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import BLOCK_FAR
from sweep.analysis.estimators.layers import layer_correlations
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.layer_cases import Shown, one_of_each, shown
from sweep.analysis.exhibits.panel_drawing import Mosaic, draw_mosaic, draw_scale, drawn, mosaic, span
from sweep.analysis.exhibits.patch_rows import block_evidence, patch_numbers, patch_rows
from sweep.analysis.exhibits.style import EXACT, OURS

TITLE = "Correlation of block spins with the spins below"


def figure_7(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the panels ⟨v_i h_a⟩ of one step, of the next, and of both together, with the blocking scheme."""
    cases = layer_correlations(tree)
    found = shown(cases, "RG")
    letters = one_of_each(found)
    if not letters:
        return Absent(TITLE, "no completed stage of the kernel layer_correlation whose layer is made of block spins")
    mosaics = [mosaic(f"7{one.letter}: {one.case.label}", one.case.data["correlation"]) for one in letters]
    caption = (
        "⟨v_i h_a⟩ (eq 60), raw: one map of the lower layer for each block spin, at the place of its block; one scale "
        "for all. Block spins are real averages over 2×2. The dark ground is not 0: it is what goes through the "
        f"magnetisation, about ⟨m²⟩. 7d: how blocks are made. {'; '.join(one.about for one in letters)}."
    )
    patches = [patch_numbers("7", one, cases) for one in found]
    far = list(_far_evidence(found))
    rows = [*(_far_row(one) for one in far), *patch_rows(patches)]
    evidence = (*block_evidence(patches), *far)
    numbers = drawn(mosaics, "correlation")
    return Exhibit("figure-7", TITLE, caption, _figure(letters, mosaics), numbers, tuple(rows), evidence=evidence)


def _figure(letters: Sequence[Shown], mosaics: Sequence[Mosaic]) -> Figure:
    figure = Figure(figsize=(9.6, 5.0 * ((len(mosaics) + 2) // 2)), layout="constrained")
    axes = figure.subplots((len(mosaics) + 2) // 2, 2, squeeze=False).ravel()
    limits = span(mosaics, symmetric=False)
    images = [draw_mosaic(panel, one, limits) for panel, one in zip(axes, mosaics, strict=False)]
    draw_scale(figure, images[0], list(axes), r"$\langle v_i h_a \rangle$")
    side = letters[0].case.upper.chain[0].side or 0
    _draw_scheme(axes[len(mosaics)], side)
    for panel in axes[len(mosaics) + 1 :]:
        panel.set_axis_off()
    return figure


def _draw_scheme(panel: Axes, side: int) -> None:
    """Draw 7d: two steps of averaging over 2x2, on a corner of 8x8 spins."""
    at = 0.0
    for step, (corner, spacing) in enumerate(((8, 1.0), (4, 2.0), (2, 4.0))):
        place = (np.arange(corner) + 0.5) * spacing
        x, y = (axis.ravel() for axis in np.meshgrid(place, place))
        panel.scatter(at + x, y, s=16 * spacing**1.2, color=OURS, zorder=3)
        for corner_x in np.arange(0, 8, 2 * spacing) if step < 2 else ():
            for corner_y in np.arange(0, 8, 2 * spacing):
                box = (at + corner_x + 0.08, corner_y + 0.08)
                panel.add_patch(Rectangle(box, 2 * spacing - 0.16, 2 * spacing - 0.16, fill=False, ec=EXACT, lw=0.9))
        panel.text(at + 4, -0.9, f"{side // 2**step}×{side // 2**step}", ha="center")
        if step < 2:
            panel.annotate("", (at + 10.3, 4), (at + 8.4, 4), arrowprops={"arrowstyle": "->", "lw": 1.2})
        at += 10.7
    panel.set(xlim=(-0.4, 29.8), ylim=(11, -2.2), aspect="equal", title="")
    panel.set_title("7d: h = (s₁ + s₂ + s₃ + s₄) / 4, twice")
    panel.text(14.7, 10, "a corner of 8×8 spins; frames are blocks", ha="center")
    panel.set_axis_off()
    panel.set_anchor("C")


def _far_evidence(found: Sequence[Shown]) -> Iterator[Evidence]:
    """Yield what is left of the correlation where it is smallest: "the correlation has dropped to zero"."""
    for one in found:
        exact = one.exact
        if exact is None:
            continue
        lowest = exact.min(["y", "x"])
        far = exact <= lowest + 1e-9
        data = one.case.data
        yield Evidence(
            BLOCK_FAR,
            f"7{one.letter}: {one.name}",
            float(data["correlation"].astype(float).where(far).mean()),
            float((data["correlation_error"].astype(float) ** 2).where(far).mean() ** 0.5),
            data.sizes["bin"] - 1,
            exact=float(lowest.mean()),
            perfect=float(lowest.mean()),
        )


def _far_row(one: Evidence) -> Row:
    return Row(
        f"⟨v h⟩ where it is smallest, farthest from the block ({one.where})",
        one.value,
        one.error,
        '"the correlation has dropped to zero"',
        f"{one.exact:.4f}",
        "false on exact data: at T_c a finite lattice is magnetised; error: of one site, since all move together",
        f"exact block spins {one.perfect:.4f}",
        compare(one.value, one.error, one.degrees, one.perfect, "exact block spins"),
    )
