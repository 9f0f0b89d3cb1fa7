"""What figures 14a and 14b share: stacks of layers, what each layer reads as its temperature, and how that is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.layer_temperature import LIMIT, energies, layer_temperature, reading_shares
from sweep.analysis.estimators.layers import Layer
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, TORUS

EDGES = np.arange(-0.11, 0.82, 0.02)  # of classes of 1/T, as wide as the paper's 0.1 at T_c, but infinity has its place
TICKS = (1.5, 2, 2.5, 3, 4, 6, 12)  # temperatures that are named
STYLES = (("#cccccc", "-"), (OURS, "-"), (TORUS, "--"), (OTHER, "-."), ("#7b5aa6", ":"))


@dataclass(frozen=True)
class Reading:
    """What one layer of a stack reads in one arrangement of its units.

    Parameters
    ----------
    layer : Layer
    energy : DataArray[realisation, configuration]
    side : int
    """

    layer: Layer
    energy: xr.DataArray
    side: int

    @cached_property
    def temperature(self) -> xr.Dataset:
        """Return what `layer_temperature` does."""
        return layer_temperature(self.energy, self.side)

    @cached_property
    def shares(self) -> xr.DataArray:
        """Return the share of configurations in every class of 1/T."""
        return reading_shares(self.energy, self.side, EDGES)


def stacks(layers: Sequence[Layer], kind: str) -> Iterator[tuple[Layer, ...]]:
    """Yield the chains of a kind, RG or RBM, from the data up, that no other layer is built upon; no controls.

    Layers that are no lattice end a chain, and so do means in the place of samples.
    """
    fitting = [layer for layer in layers if layer.kind == kind and all(_is_lattice(one) for one in layer.chain)]
    for layer in sorted(fitting, key=_largest_first):
        if {one.kind for one in layer.chain} == {"data", kind} and not any(_stands_on(one, layer) for one in fitting):
            yield layer.chain


def _is_lattice(layer: Layer) -> bool:
    return layer.side is not None and layer.side > 2 and layer.rule != "mean_field" and not layer.control


def _largest_first(layer: Layer) -> tuple[int, int, float]:
    return -(layer.chain[0].side or 0), -layer.depth, input_temperature(layer)


def _stands_on(upper: Layer, lower: Layer) -> bool:
    below = upper.below
    return below is not None and (below.stage, below.at) == (lower.stage, lower.at)


def input_temperature(layer: Layer) -> float:
    """Return the temperature of the data below a layer, in J/k_B."""
    return float(layer.chain[0].at.get("temperature", layer.at.get("temperature", np.nan)))


def read_stack(
    chain: Sequence[Layer], units: Mapping[str, xr.Dataset] | None = None, known: Sequence[Reading] = ()
) -> list[Reading]:
    """Return what every layer of a chain reads; the layers whose stages are in `units` in that arrangement.

    Parameters
    ----------
    chain : sequence of Layer
    units : mapping of stage to Dataset, optional
    known : sequence of Reading
        Of the lowest layers, which are not read again.
    """
    found = list(known)
    for layer in chain[len(known) :]:
        energy = energies(layer.data["spins"], (units or {}).get(layer.stage))
        found.append(Reading(layer, energy, int(layer.data.sizes["x"])))
    return found


def draw_readings(panel: Axes, readings: Sequence[Reading]) -> None:
    """Draw how the readings of configurations are distributed: of the data filled, of layers in lines; and T_c."""
    for (color, line), reading in zip(STYLES, readings, strict=False):
        name = f"{reading.side}×{reading.side}"
        panel.stairs(
            reading.shares.values, EDGES, color=color, ls=line, lw=1.4, label=name, fill=reading is readings[0]
        )
    panel.axvline(1 / CRITICAL_TEMPERATURE, color=EXACT, lw=0.8, ls=":", label="T_c")
    panel.set_xlim(EDGES[-1], EDGES[0])
    panel.set_xticks([EDGES[-1], *(1 / t for t in TICKS), 0.0], ["0", *(f"{t:g}" for t in TICKS), "∞"])


def words_of(found: xr.Dataset) -> str:
    """Return in words why a reading is infinite, empty for one that is not."""
    if np.isfinite(float(found["temperature"])):
        return ""
    inverse, error = float(found["inverse"]), float(found["inverse_error"])
    return f"infinite: 1/T = {inverse:.3f} ± {error:.3f} is not above 0 by {LIMIT:g} errors"


def table_of(readings: Sequence[Reading]) -> xr.Dataset:
    """Return the numbers of readings of one arrangement, by layer and class: how many configurations read what."""
    parts = [
        reading.temperature[["temperature", "temperature_error", "inverse", "inverse_error", "realisations"]].assign(
            share=reading.shares
        )
        for reading in readings
    ]
    names = xr.DataArray([f"{r.side}x{r.side}" for r in readings], dims="layer", name="layer")
    return xr.concat(parts, names)
