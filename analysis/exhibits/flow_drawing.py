"""What the figures of the flow share: the flows that they show, curves with bands, marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.flow_cases import SNAPSHOT, FlowCase
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.style import OTHER, OURS, TORUS

COLORS = (OURS, TORUS, OTHER, "#7b5aa6", "#444444", "#1b8a8f")
MARKERS = "os^Dvx"
BAND = 5  # realisations from which on their spread is shown
SHOWN = 4  # cases that get panels; the table and the CSV have all
LIMIT = 2.0  # standard errors within which we say that numbers agree
PAPER_LENGTH = 26  # convergence length of the paper
NO_FLOW = "no stage of the kernel rbm_flow is complete that flows from all temperatures together"


def classified(cases: Sequence[FlowCase]) -> list[FlowCase]:
    """Return the flows whose configurations the network has read at every step, through machines at their end."""
    return [case for case in cases if "network_class_count" in case.data and SNAPSHOT not in case.at]


def left_out(cases: int) -> str:
    """Return in words which of so many cases have no panel."""
    return f" Panels: the first {SHOWN} of {cases} flows; the CSV has all." if cases > SHOWN else ""


def paper_step(curve: xr.Dataset) -> int:
    """Return the flow length where the paper has converged, or that of the end of the flow."""
    return min(PAPER_LENGTH, int(curve["flow_step"].max()))


def draw_curve(panel: Axes, curve: xr.Dataset, label: str, style: int) -> None:
    """Draw a curve against the flow length: standard errors, and the spread over realisations as a band.

    Where the fit of some realisation has failed there is no mean: small full marks show what the others give.
    """
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    color, marker, step = COLORS[style % len(COLORS)], MARKERS[style % len(MARKERS)], curve["flow_step"].values
    panel.errorbar(
        step,
        curve["value"].values,
        curve["error"].values,
        fmt=marker + "-",
        color=color,
        mfc="white",
        lw=0.7,
        capsize=1.5,
        ms=4,
        label=label,
    )
    if int(curve["realisations"].max()) >= BAND:
        low, high = (curve["value"] - curve["spread"]).values, (curve["value"] + curve["spread"]).values
        panel.fill_between(step, low, high, color=color, alpha=0.18, lw=0)
    if "failed" in curve and REALISATION in curve.dims:
        left = curve["by_realisation"].where(curve["failed"] > 0).transpose(..., REALISATION)
        panel.plot(step, left.values, marker, color=color, ms=2.8, mew=0)


def keep_in_view(panel: Axes, curves: Sequence[xr.Dataset], marks: Sequence[float]) -> None:
    """Set the vertical range to what the curves show, outliers with huge errors aside, and to the marks."""
    finite = [mark for mark in marks if np.isfinite(mark)]
    for curve in curves:
        values = np.asarray(curve["value"])
        finite.extend(np.nanquantile(values, [0.02, 0.98]).tolist() if np.isfinite(values).any() else [])
    if finite:
        low, high = min(finite), max(finite)
        margin = 0.15 * (high - low) or 0.1
        panel.set_ylim(low - margin, high + margin)


def around_critical(labels: Sequence[float], count: int) -> tuple[float, ...]:
    """Return the labels nearest to T_c, sorted; never T = 0, where nothing fluctuates."""
    near = sorted((label for label in labels if label > 0), key=lambda label: abs(label - CRITICAL_TEMPERATURE))
    return tuple(sorted(near[:count]))


def astride_critical(labels: Sequence[float]) -> tuple[float, ...]:
    """Return the labels next to T_c below and above: 2.2 and 2.3 on the paper's grid."""
    below = [label for label in labels if 0 < label < CRITICAL_TEMPERATURE - 1e-6]
    above = [label for label in labels if label > CRITICAL_TEMPERATURE + 1e-6]
    return (*([max(below)] if below else []), *([min(above)] if above else []))


def by_case(cases: Sequence[FlowCase], parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return the numbers of several cases in one dataset, the case as a dimension, single realisations left out."""
    plain = [part.drop_dims(REALISATION, errors="ignore").drop_attrs() for part in parts]
    labels = xr.DataArray([case.label for case in cases], dims="case", name="case")
    return xr.concat(plain, labels, join="outer", fill_value={"reason": "not there"})


def about(case: FlowCase) -> str:
    """Return how many trainings and how the flow was made, for captions; not at which step of the training."""
    count = case.realisations
    trainings = "one training" if count == 1 else f"{count} trainings"
    statistics = case.attributes.get("params", {}).get("statistics", "unknown")
    return f"{case.label_without(SNAPSHOT)}: {trainings} of {case.machine}, {str(statistics).replace('_', ' ')} flow"
