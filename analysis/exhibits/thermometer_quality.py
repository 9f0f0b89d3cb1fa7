"""How well thermometers read: confusion and calibration, beside the exact optimum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from sweep.analysis.estimators.crossed import REALISATION, crossed_mean
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.style import EXACT, OURS, TORUS, above_legend, wrapped_figure
from sweep.analysis.exhibits.thermometer_cases import NO_THERMOMETER, ThermometerCase, thermometer_cases

READERS = {"network": "network", "energy": "exact energy thermometer"}


def thermometer_quality(tree: xr.DataTree) -> Exhibit | Absent:
    """Return confusion and calibration of the network and of the exact energy thermometer, on validation data."""
    title = "How well the thermometers read: confusion and calibration"
    cases = thermometer_cases(tree)
    if not cases:
        return Absent(title, NO_THERMOMETER)
    data = cases[0].data
    figure, panels = wrapped_figure(3, height=4.2)
    for panel, reader in zip(panels, READERS, strict=False):
        _draw_confusion(figure, panel, data, reader)
    _draw_calibration(panels[2], data)
    figure.suptitle(cases[0].label)
    names = [f"{reader}_{kind}" for reader in READERS for kind in ("reading", "reading_std")]
    caption = (
        "First two: share of configurations of a true temperature by their most likely class. Third: how often "
        "the most likely class is right against how probable it was said to be; honest probabilities lie on the line."
    )
    rows, told = tuple(_quality_rows(cases)), _conclusion(data)
    return Exhibit("thermometer-quality", title, caption, figure, data[names], rows, conclusion=told)


def _conclusion(data: xr.Dataset) -> str:
    network, best = float(data["validation_accuracy"].isel(epoch=-1).mean()), float(data["energy_accuracy"].mean())
    return (
        f"The most likely class is right for {network:.1%} of configurations by the network, and for {best:.1%} by the "
        "exact energy, which no thermometer can beat: configurations of neighbouring temperatures look alike."
    )


def _draw_confusion(figure: Figure, panel: Axes, data: xr.Dataset, reader: str) -> None:
    counts = data[f"{reader}_confusion"].sortby("true_temperature").sortby("temperature_class")
    counts = counts.sum(REALISATION) if REALISATION in counts.dims else counts
    shares = counts / counts.sum("temperature_class")
    places, scale = (shares["temperature_class"], shares["true_temperature"]), PowerNorm(0.5, 0, 1)
    image = panel.pcolormesh(*places, shares, cmap="Greys", norm=scale, rasterized=True)
    low, high = (float(end) for end in (shares["temperature_class"].min(), shares["temperature_class"].max()))
    panel.plot([low, high], [low, high], color=TORUS, lw=0.7, ls="--")
    panel.set(xlabel="most likely T (J/k_B)", ylabel="true T (J/k_B)", title=READERS[reader])
    figure.colorbar(image, ax=panel, label="share", shrink=0.8)


def _draw_calibration(panel: Axes, data: xr.Dataset) -> None:
    panel.plot([0, 1], [0, 1], color=EXACT, lw=0.8, ls="--", label="honest")
    for reader, marker, color in (("network", "o", OURS), ("energy", "s", TORUS)):
        count, said, right = (
            data[f"{reader}_calibration_{part}"].fillna(0) for part in ("count", "confidence", "accuracy")
        )
        others = [dim for dim in count.dims if dim != "confidence"]
        total = count.sum(others)
        filled = (total > 0).values
        x, y = ((part * count).sum(others)[filled] / total[filled] for part in (said, right))
        trials = total[filled]
        shrunk = (y * trials + 0.5) / (trials + 1)  # so that 0 of 1 is not certain
        error = np.sqrt(shrunk * (1 - shrunk) / (trials + 1))
        panel.errorbar(x, y, error, fmt=marker, mfc="white", color=color, capsize=1.5, label=READERS[reader])
    panel.set(
        xlabel="probability of the most likely class", ylabel="how often it is right", xlim=(0, 1), ylim=(0, 1.02)
    )
    above_legend(panel, columns=3)


def _quality_rows(cases: list[ThermometerCase]) -> Iterator[Row]:
    for case in cases:
        true = np.asarray(case.data["true_temperature"])
        near = float(true[np.argmin(np.abs(true - 2.3))])
        at = case.data.sel(true_temperature=near)
        reading = crossed_mean(at["network_reading"])
        exact = f"{float(at['energy_reading'].mean()):.3f} by the exact energy thermometer"
        spread = f"standard deviation {float(at['network_reading_std'].mean()):.3f}"
        spread += f"; exact energy thermometer {float(at['energy_reading_std'].mean()):.3f}"
        quantity = f"mean reading of the network at T = {near:.4g} ({case.label})"
        yield Row(quantity, float(reading["value"]), float(reading["error"]), "", exact, spread)
