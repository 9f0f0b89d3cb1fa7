"""Figure 3, and how well thermometers read: training losses, confusion, calibration, beside the exact optimum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweep.analysis.estimators.crossed import REALISATION, crossed_mean
from sweep.analysis.estimators.stages import mapping, stages_of
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import LIMIT, SHOWN, draw_curve, legend_below
from sweep.analysis.exhibits.style import EXACT, OURS, TORUS, new_figure

NO_THERMOMETER = "no completed stage of the kernel thermometer"
BEST_10X10 = 3.002  # nats: 10x10, 60 equal classes 0.0 ... 5.9, exact likelihood of the energy
LOSSES = {"training_loss": "training", "validation_loss": "validation"}
READERS = {"network": "network", "energy": "exact energy thermometer"}


@dataclass(frozen=True)
class ThermometerCase:
    """A trained thermometer: its stage, where it is in the stage's axes, and its completed realisations."""

    label: str
    size: int
    data: xr.Dataset

    @property
    def classes(self) -> int:
        """Return the number of temperatures that it tells apart."""
        return int(self.data.sizes["temperature_class"])


def thermometer_cases(tree: xr.DataTree) -> list[ThermometerCase]:
    """Return every thermometer of a store that has at least one completed realisation, by stage and size."""
    return [case for name, stage in stages_of(tree, "thermometer").items() for case in _cases_of(name, stage)]


def _cases_of(name: str, stage: xr.DataTree) -> Iterator[ThermometerCase]:
    data = stage.to_dataset()
    axes = [str(dim) for dim in data["done"].dims if dim != REALISATION]
    flat = data.stack(case=axes) if axes else data.expand_dims("case")
    for place in range(flat.sizes["case"]):
        one = flat.isel(case=place)
        done = np.atleast_1d(one["done"].values)
        if done.any():
            at = [f"{axis} {one[axis].item()}" for axis in axes]
            size = int(one["size"].item() if "size" in axes else mapping(stage.attrs, "params")["size"])
            kept = one.isel({REALISATION: np.flatnonzero(done)}) if REALISATION in one.dims else one
            yield ThermometerCase(", ".join([name, *at]), size, kept.drop_vars(["case", *axes], errors="ignore").load())


def figure_3(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the losses of the thermometer against epoch."""
    title = "Figure 3: training of the thermometer"
    cases = thermometer_cases(tree)
    if not cases:
        return Absent(title, NO_THERMOMETER)
    figure, panels = new_figure(min(len(cases), SHOWN))
    numbers = [_losses(case) for case in cases]
    for panel, case, losses in zip(panels, cases, numbers, strict=False):
        for style, name in enumerate(LOSSES):
            curve = losses.sel(loss=name).rename(epoch="flow_step")
            draw_curve(panel, curve, LOSSES[name], style)
        best = float(case.data["energy_loss"].mean())
        panel.axhline(best, color=EXACT, lw=1, label=f"exact optimum {best:.3f}: energy thermometer, validation data")
        panel.axhline(np.log(case.classes), color=EXACT, lw=0.9, ls=":", label="no knowledge: ln(classes)")
        panel.set(xlabel="epoch", ylabel="mean cross-entropy (nats)", title=case.label)
    legend_below(figure, panels[0])
    rows = [row for case, losses in zip(cases, numbers, strict=True) for row in _loss_rows(case, losses)]
    caption = (
        "Mean cross-entropy with one-hot labels, training and validation data. The line is the loss of the exact "
        "likelihood p(T|E) on the same validation data: the least that any reading of a configuration can expect."
    )
    labels = xr.DataArray([case.label for case in cases], dims="case", name="case")
    return Exhibit("figure-3", title, caption, figure, xr.concat(numbers, labels, join="outer"), tuple(rows))


def _losses(case: ThermometerCase) -> xr.Dataset:
    names = xr.DataArray(list(LOSSES), dims="loss", name="loss")
    return xr.concat([crossed_mean(case.data[name]) for name in LOSSES], names)


def _loss_rows(case: ThermometerCase, losses: xr.Dataset) -> Iterator[Row]:
    last = losses.sel(loss="validation_loss").isel(epoch=-1)
    value, error = float(last["value"]), float(last["error"])
    best = float(case.data["energy_loss"].mean())
    per_output = value / case.classes
    remark = (
        f"{value - best:+.3f} nats from the exact energy thermometer on the same data; a mean cross-entropy near zero "
        f"is impossible here: divided by the {case.classes} outputs it is {per_output:.3f}"
    )
    gap = case.data["validation_loss"].isel(epoch=-1) - case.data["energy_loss"]
    count = int(np.asarray(case.data["network_confusion"]).sum()) // max(gap.size, 1)
    # The losses of the two on the same data differ by no more than their scatter, of about one nat per configuration.
    if float(gap.min()) < -LIMIT / np.sqrt(count):
        remark = f"below the exact bound by {-float(gap.min()):.3f} nats: a fault, or other data; {remark}"
    where = f"validation cross-entropy after {losses.sizes['epoch']} epochs, nats ({case.label})"
    exact = f"{best:.3f} on these data" + (f"; {BEST_10X10} expected" if _is_paper_grid(case) else "")
    yield Row(where, value, error, '"very close to zero"', exact, remark)
    accuracy = crossed_mean(case.data["validation_accuracy"].isel(epoch=-1))
    exact = f"{float(case.data['energy_accuracy'].mean()):.4f} on these data"
    yield Row(
        f"most likely class is right ({case.label})", float(accuracy["value"]), float(accuracy["error"]), "", exact
    )


def _is_paper_grid(case: ThermometerCase) -> bool:
    classes = np.sort(np.asarray(case.data["temperature_class"], np.float64))
    return case.size == 10 and classes.shape == (60,) and bool(np.allclose(classes, np.arange(60) / 10, atol=1e-9))


def thermometer_quality(tree: xr.DataTree) -> Exhibit | Absent:
    """Return confusion and calibration of the network and of the exact energy thermometer, on validation data."""
    title = "How well the thermometers read: confusion and calibration"
    cases = thermometer_cases(tree)
    if not cases:
        return Absent(title, NO_THERMOMETER)
    data = cases[0].data
    figure, panels = new_figure(3, height=4.2)
    for panel, reader in zip(panels, READERS, strict=False):
        _draw_confusion(figure, panel, data, reader)
    _draw_calibration(panels[2], data)
    figure.suptitle(cases[0].label)
    names = [f"{reader}_{kind}" for reader in READERS for kind in ("reading", "reading_std")]
    caption = (
        "Left and middle: share of configurations of a true temperature by their most likely class. Right: how often "
        "the most likely class is right against how probable it was said to be; honest probabilities lie on the line."
    )
    return Exhibit("thermometer-quality", title, caption, figure, data[names], tuple(_quality_rows(cases)))


def _draw_confusion(figure: Figure, panel: Axes, data: xr.Dataset, reader: str) -> None:
    counts = data[f"{reader}_confusion"].sortby("true_temperature").sortby("temperature_class")
    counts = counts.sum(REALISATION) if REALISATION in counts.dims else counts
    shares = counts / counts.sum("temperature_class")
    image = panel.pcolormesh(
        shares["temperature_class"], shares["true_temperature"], shares, cmap="Greys", vmin=0, vmax=1, rasterized=True
    )
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
    panel.legend(fontsize=8)


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
