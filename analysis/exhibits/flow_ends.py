"""Where the flows of single trainings end, at one step of the training after another: a distribution, not a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import FLOW_ENDS
from sweep.analysis.estimators.crossed import BIN, REALISATION
from sweep.analysis.estimators.fixed_point import end_of_flow
from sweep.analysis.estimators.flow_cases import SNAPSHOT, FlowCase, flow_cases
from sweep.analysis.estimators.perfect import perfect_end
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.fixed_points import (
    DRAWN,
    MIXTURE,
    NAMES,
    NO_ENDS,
    claim,
    end_verdict,
    memory,
    perfect_words,
)
from sweep.analysis.exhibits.flow_drawing import COLORS, MARKERS, about
from sweep.analysis.exhibits.style import EXACT, below_legend, new_figure

MANY = 8  # steps, beyond which their numbers would run into each other
PAPER_PRESETS = ("code", "text")  # the paper's machines, as its public code and as its text has them


@dataclass(frozen=True)
class _Strip:
    """Flows through machines of the same trainings, taken at one or several steps.

    Parameters
    ----------
    cases : tuple of FlowCase
        By the step of the training.
    ends : Dataset[quantity, snapshot, realisation]
        `by_realisation` of `end_of_flow`, and what it says of all trainings.
    """

    cases: tuple[FlowCase, ...]
    ends: xr.Dataset

    @property
    def steps(self) -> list[str]:
        """Return the steps of the training in words."""
        return [str(case.at.get(SNAPSHOT, "end")) for case in self.cases]

    @property
    def label(self) -> str:
        """Return the stage and where in its axes but the step these flows are."""
        return self.cases[0].label_without(SNAPSHOT)


def flow_ends(tree: xr.DataTree) -> Exhibit | Absent:
    """Return where the flow of every training ends, at every step of the training that the store has flows for."""
    title = "Where the flow ends, training by training"
    groups: dict[str, list[FlowCase]] = {}
    for case in flow_cases(tree):
        groups.setdefault(case.label_without(SNAPSHOT), []).append(case)
    if not groups:
        return Absent(title, NO_ENDS)
    strips = [_strip(cases) for cases in groups.values()]
    figure, panels = new_figure(2, height=3.6, rows=2)
    for panel, quantity in zip(panels, DRAWN, strict=True):
        _draw(panel, quantity, strips)
    below_legend(figure, panels[0])
    labels = xr.DataArray([strip.label for strip in strips], dims="case", name="case")
    names = ["by_realisation", "by_realisation_error", "perfect"]
    numbers = xr.concat([strip.ends[names] for strip in strips], labels, join="outer")
    caption = (
        "All starts together, mean over the last third of the flow, with the standard error from bins: a point for "
        "every training, whose points at several steps of the training are joined. Full line: the training mixture, "
        "where the flow of a perfectly trained machine ends at any step; dotted: T_c, the paper's claim. "
        f"{'; '.join(about(strip.cases[-1]) for strip in strips)}."
    )
    rows = [row for strip in strips for row in _rows(strip)]
    return Exhibit("flow-ends", title, caption, figure, numbers, tuple(rows), evidence=tuple(_evidence(strips)))


def _strip(cases: Sequence[FlowCase]) -> _Strip:
    steps = xr.DataArray([str(case.at.get(SNAPSHOT, "end")) for case in cases], dims=SNAPSHOT, name=SNAPSHOT)
    found = []
    for case in cases:
        ends, known = end_of_flow(case), perfect_end(case)
        found.append(ends.assign(perfect=("quantity", [known[name] for name in ends["quantity"].values])))
    ends = xr.concat(found, steps, join="outer")
    return _Strip(tuple(cases), ends if REALISATION in ends.dims else ends.expand_dims(REALISATION))


def _draw(panel: Axes, quantity: str, strips: Sequence[_Strip]) -> None:
    place = 0.0
    ticks: list[tuple[float, str]] = []
    for style, strip in enumerate(strips):
        marker, color = MARKERS[style % len(MARKERS)], COLORS[style % len(COLORS)]
        ends = strip.ends.sel(quantity=quantity)
        trainings = ends.sizes[REALISATION]
        beside = (np.arange(trainings) - (trainings - 1) / 2) * 0.5 / max(trainings, 1)
        at = place + np.arange(len(strip.steps))
        for training, shift in enumerate(beside):
            one = ends.isel({REALISATION: training})
            label = f"{strip.label}: each training" if training == 0 else None
            data = at + shift, one["by_realisation"], one["by_realisation_error"]
            panel.errorbar(*data, fmt=f"{marker}-", lw=0.6, color=color, mfc="white", ms=4, capsize=1.5, label=label)
        known = float(ends["perfect"].isel({SNAPSHOT: -1}))
        if np.isfinite(known):
            panel.plot([at[0] - 0.4, at[-1] + 0.4], [known] * 2, color=color, lw=1.3, label=f"{strip.label}: {MIXTURE}")
        ticks.extend(zip(at.tolist(), strip.steps, strict=True))
        place += len(strip.steps) + 0.5
    if "temperature" in quantity:
        panel.axhline(CRITICAL_TEMPERATURE, color=EXACT, lw=0.9, ls=":", label="T_c, the paper's claim")
    panel.set_xticks([x for x, _ in ticks], [words for _, words in ticks], rotation=45 if len(ticks) > MANY else 0)
    panel.set(xlabel="steps of the training", ylabel=NAMES[quantity])


def _rows(strip: _Strip) -> Iterator[Row]:
    """Yield what single trainings give, where they do not come to one number, or several steps show whether they do."""
    case, settles = strip.cases[-1], strip.cases[-1].machine.settles
    if settles and len(strip.cases) == 1:
        return
    last = strip.ends.isel({SNAPSHOT: -1})
    trainings, steps = f"{strip.ends.sizes[REALISATION]} trainings", ", ".join(strip.steps)
    for quantity in NAMES:
        each, end = strip.ends["by_realisation"].sel(quantity=quantity), last.sel(quantity=quantity)
        known = float(end["perfect"])
        if settles:
            value, error, verdict = float(end["all_value"]), float(end["all_error"]), end_verdict(case, end, known)
            words = [f"mean of {trainings} at {strip.steps[-1]} steps"]
        else:
            value, error, verdict = float(each.median()), np.nan, None
            at = f" at {steps} steps" if len(strip.steps) > 1 else ""
            words = [f"a distribution over {trainings}{at}, here its median"]
        words += [_listed(step, each.sel({SNAPSHOT: step})) for step in strip.steps]
        if np.isfinite(known):
            words.append(f"{int((each > known).sum())} above {MIXTURE}, {int((each < known).sum())} below")
        words += [memory(end), f"machine: {case.machine}"]
        where = f"end of the flow, {NAMES[quantity]}, all starts ({strip.label})"
        perfect = perfect_words(case, known, end)
        yield Row(where, value, error, claim(quantity), "", "; ".join(words), perfect, verdict)


def _evidence(strips: Sequence[_Strip]) -> Iterator[Evidence]:
    """Yield where the longest flow through machines of the paper's own kind ends, each training by itself."""
    own = [strip for strip in strips if strip.cases[-1].machine.preset in PAPER_PRESETS]
    if not own:
        return
    strip = max(own, key=lambda one: one.cases[-1].data.sizes["flow_step"])
    case, last = strip.cases[-1], strip.ends.isel({SNAPSHOT: -1}).sel(quantity="temperature of the energy")
    known, bins = float(last["perfect"]), int(case.data.sizes.get(BIN, 1))
    for number in range(last.sizes[REALISATION]):
        one = last.isel({REALISATION: number})
        value, error = float(one["by_realisation"]), float(one["by_realisation_error"])
        yield Evidence(
            FLOW_ENDS,
            f"training {number + 1} ({case.label})",
            value,
            error,
            bins - 1,
            exact=known,
            perfect=known,
            trainings=last.sizes[REALISATION],
            missing="configurations that stay within what the energy of a lattice can read would decide it",
        )


def _listed(step: str, each: xr.DataArray) -> str:
    return f"{step}: {', '.join(f'{value:.3g}' for value in np.ravel(each).tolist())}"
