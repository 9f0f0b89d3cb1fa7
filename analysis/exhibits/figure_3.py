"""Figure 3: training losses of thermometers, beside the exact optimum."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import THERMOMETER_LOSS
from sweep.analysis.estimators.crossed import crossed_mean
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import LIMIT, SHOWN, draw_curve
from sweep.analysis.exhibits.style import EXACT, below_legend, wrapped_figure
from sweep.analysis.exhibits.thermometer_cases import NO_THERMOMETER, ThermometerCase, thermometer_cases

BEST_10X10 = 3.002  # nats: 10x10, 60 equal classes 0.0 ... 5.9, exact likelihood of the energy
LOSSES = {"training_loss": "training", "validation_loss": "validation"}


def figure_3(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the losses of the thermometer against epoch."""
    title = "Figure 3: training of the thermometer"
    cases = thermometer_cases(tree)
    if not cases:
        return Absent(title, NO_THERMOMETER)
    figure, panels = wrapped_figure(min(len(cases), SHOWN))
    numbers = [_losses(case) for case in cases]
    for panel, case, losses in zip(panels, cases, numbers, strict=False):
        for style, name in enumerate(LOSSES):
            curve = losses.sel(loss=name).rename(epoch="flow_step")
            draw_curve(panel, curve, LOSSES[name], style)
        best = float(case.data["energy_loss"].mean())
        panel.axhline(best, color=EXACT, lw=1, label=f"exact optimum {best:.3f}: energy thermometer, validation data")
        panel.axhline(np.log(case.classes), color=EXACT, lw=0.9, ls=":", label="no knowledge: ln(classes)")
        panel.set(xlabel="epoch", ylabel="mean cross-entropy (nats)", title=case.label)
    below_legend(figure, panels[0])
    rows = [row for case, losses in zip(cases, numbers, strict=True) for row in _loss_rows(case, losses)]
    caption = (
        "Mean cross-entropy with one-hot labels, training and validation data. The line is the loss of the exact "
        "likelihood p(T|E) on the same validation data: the least that any reading of a configuration can expect."
    )
    labels = xr.DataArray([case.label for case in cases], dims="case", name="case")
    evidence = tuple(_evidence(case, losses) for case, losses in zip(cases, numbers, strict=True))
    together = xr.concat(numbers, labels, join="outer")
    return Exhibit("figure-3", title, caption, figure, together, tuple(rows), evidence=evidence)


def _losses(case: ThermometerCase) -> xr.Dataset:
    names = xr.DataArray(list(LOSSES), dims="loss", name="loss")
    return xr.concat([crossed_mean(case.data[name]) for name in LOSSES], names)


def _evidence(case: ThermometerCase, losses: xr.Dataset) -> Evidence:
    last = losses.sel(loss="validation_loss").isel(epoch=-1)
    value, error, degrees = (float(last[name]) for name in ("value", "error", "degrees"))
    best = float(case.data["energy_loss"].mean())
    where = f"after {losses.sizes['epoch']} epochs ({case.label})"
    return Evidence(
        THERMOMETER_LOSS, where, value, error, degrees, exact=best, perfect=best, trainings=int(last["realisations"])
    )


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
