"""What makes figures 12 and 13: G(d) of single panels that are no data, white noise and checkerboards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from sweep.analysis.claims.claim import Claim, Evidence
from sweep.analysis.claims.paper import BOARDS_ALIKE, BOARDS_PEAKS, BOARDS_UNLIKE, NOISE_TREND
from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.panel_pairs import line, pair_correlation, slope_error_of_noise
from sweep.analysis.estimators.stages import mapping, settings, stages_of
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact.block_spins import block_panels
from sweep.analysis.exact.correlators import SIZES
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.panel_drawing import MAP
from sweep.analysis.exhibits.style import EXACT, OURS, below_legend, new_figure

BESIDE = "shape of block averages, exact, scaled"
NOISE, CHECKERBOARD = "white_noise", "checkerboard"


@dataclass(frozen=True)
class Pattern:
    """Panels of one pattern, DataArray[realisation, y, x], and the G(d) of each, DataArray[realisation, distance]."""

    pattern: str
    sub_block: int
    panels: xr.DataArray
    pairs: xr.DataArray

    @property
    def side(self) -> int:
        """Return the sites per side."""
        return int(self.panels.sizes["x"])

    @property
    def title(self) -> str:
        """Return what it is, in words."""
        where = f"{self.side}×{self.side}"
        return (
            f"white noise, {where}"
            if self.pattern == NOISE
            else f"squares of {self.sub_block}×{self.sub_block}, {where}"
        )


def pattern_figure(tree: xr.DataTree, name: str, pattern: str, title: str, statement: str) -> Exhibit | Absent:
    """Return figure 12 (white noise) or 13 (checkerboards)."""
    found = sorted(_patterns(tree, pattern), key=lambda one: one.sub_block)
    if not found:
        return Absent(title, f"no completed stage of the kernel panel with the pattern {pattern}")
    numbers = xr.concat(
        [one.pairs for one in found], xr.DataArray([one.title for one in found], dims="shown", name="shown")
    )
    caption = (
        "A single panel, no data (above), and the product of its values at two sites against their distance (eq 61 "
        "with N_h = 1, below). Line: what block averages L → L/2 have exactly at T_c, without its mean, scaled to "
        "the range of the points. The first panel is shown where there are several."
    )
    rows = tuple(row for one in found for row in _rows(one, statement))
    evidence = tuple(one for pattern in found for one in _evidence(pattern))
    data = numbers.to_dataset(name="panel_correlation")
    return Exhibit(name, title, caption, _draw(found), data, rows, evidence=evidence)


def _patterns(tree: xr.DataTree, wanted: str) -> Iterator[Pattern]:
    for stage in stages_of(tree, "panel").values():
        for at, data in settings(stage):
            known = {**mapping(stage.attrs, "params"), **at}
            if known.get("pattern") == wanted:
                several = data if REALISATION in data.dims else data.expand_dims(REALISATION)
                panels = several["correlation"].astype(float).isel(hidden_unit=0)
                yield Pattern(wanted, int(known.get("sub_block", 1)), panels, several["panel_correlation"])


def _block_spins(side: int) -> xr.DataArray | None:
    """Return the exact G(d) of averages over 2x2 of a critical lattice of this side; None where it is not known."""
    if side not in SIZES or side % 2:
        return None
    panels = block_panels(side, side, side // 2, CRITICAL_TEMPERATURE)
    return pair_correlation(xr.DataArray(panels, dims=("hidden_unit", "y", "x")))


def _draw(found: Sequence[Pattern]) -> Figure:
    count = len(found)
    figure, panels = new_figure(count, 2.8, rows=2)
    limit = max(float(abs(one.panels[0]).max()) for one in found)
    for above, below, one in zip(panels[:count], panels[count:], found, strict=True):
        image = above.imshow(one.panels[0], cmap=MAP, vmin=-limit, vmax=limit, interpolation="nearest")
        above.set(xticks=[], yticks=[], title=one.title)
        above.grid(visible=False)
        above.spines[:].set_visible(True)
        style: dict[str, Any] = {"marker": "o", "ms": 3.5, "mfc": "white", "color": OURS, "lw": 0.6}
        first = one.pairs[0]
        below.plot(first["distance"], first, label="G(d) of the panel", **style)
        exact = _block_spins(one.side)
        if exact is not None:
            off = (exact - exact.mean()) * float(first.std() / exact.std()) + float(first.mean())
            below.plot(
                exact["distance"], off, color=EXACT, lw=1.1, ls="--", label="shape of block averages, exact, scaled"
            )
        below.set(xlabel="distance d (sites)", ylabel="G(d)" if one is found[0] else "")
    figure.colorbar(image, ax=panels[:count], label="value of a site", shrink=0.85)
    below_legend(figure, panels[count])
    return figure


def _alike(one: Pattern, exact: xr.DataArray) -> xr.Dataset:
    """Return how the G(d) of panels goes with that of exact block averages, over the distances."""
    alike = [np.corrcoef(pairs, exact)[0, 1] for pairs in one.pairs.values]
    return mean_and_error(xr.DataArray(alike, dims=REALISATION), REALISATION)


def _peaks(pairs: xr.DataArray) -> int:
    """Return how many peaks of a G(d) stand out by half of its range from what is on either side."""
    from scipy.signal import find_peaks  # noqa: PLC0415 - a second that few reports need

    values = np.asarray(pairs)
    return len(find_peaks(values, prominence=0.5 * np.ptp(values))[0])


def _evidence(one: Pattern) -> Iterator[Evidence]:
    if one.pattern == CHECKERBOARD and 2 * one.sub_block < one.side:
        yield Evidence(BOARDS_PEAKS, one.title, float(_peaks(one.pairs[0])), 0.0)
    exact = _block_spins(one.side)
    if exact is None:
        return
    found = _alike(one, exact)
    chance = one.pattern == NOISE
    claim: Claim = NOISE_TREND if chance else BOARDS_ALIKE if 2 * one.sub_block >= one.side else BOARDS_UNLIKE
    error, degrees = (float(found["error"]), float(found["degrees"])) if chance else (0.0, np.inf)
    yield Evidence(claim, one.title, float(found["value"]), error, degrees)


def _rows(one: Pattern, statement: str) -> Iterator[Row]:
    exact, count = _block_spins(one.side), one.pairs.sizes[REALISATION]
    value = float(line(one.pairs)["slope"].mean())
    target = "" if exact is None else f"block averages {float(line(exact)['slope']):.3g}"
    title = one.title if count == 1 else f"{one.title}, mean of {count}"
    if one.pattern == NOISE:
        error = slope_error_of_noise(one.side) / count**0.5
        verdict = compare(value, error, np.inf, 0.0, "no trend")
        yield Row(f"slope of G(d) ({title})", value, error, statement, "0", "", target, verdict)
    else:
        yield Row(f"slope of G(d) ({title})", value, float("nan"), statement, "", "no chance in it", target)
    if exact is not None:
        name = f"correlation of G(d) over the distances with that of block averages ({title})"
        mean = _alike(one, exact)
        yield Row(name, float(mean["value"]), float(mean["error"]), statement, "", "", "block averages 1")
