"""The panels of the exhibit of Appendix B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.enumerated_machines import MachineCase
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.exact.enumeration import Floats
from sweep.analysis.exact.kadanoff import INTERACTIONS
from sweep.analysis.exhibits.flow_drawing import COLORS, MARKERS
from sweep.analysis.exhibits.style import EXACT, step_axis

WORDS = {
    "spread": "s.d. of ln Tr_h exp(T) over the data",
    "divergence": "KL(data‖machine)",
    "free_energy_difference": "ΔF",
    "mean_log_trace": "⟨ln Tr_h exp(T)⟩",
    "information": "I(v;h) (nats)",
}
IDENTITY = ("divergence", "free_energy_difference", "mean_log_trace")


def draw_trainings(panel: Axes, name: str, cases: Sequence[MachineCase], tables: Sequence[xr.Dataset]) -> None:
    """Draw a quantity of `Mapping` against the steps of training: every training, and means with errors."""
    for style, (label, table) in enumerate(zip(_short_labels(cases), tables, strict=True)):
        steps, color = table["snapshot"].values, COLORS[style % len(COLORS)]
        mean = mean_and_error(table[name], REALISATION)
        form = MARKERS[style % len(MARKERS)] + "-"
        panel.plot(steps, table[name].transpose("snapshot", REALISATION), color=color, lw=0.6, alpha=0.4)
        data = steps, mean["value"].values, mean["error"].values
        panel.errorbar(*data, fmt=form, color=color, mfc="white", ms=4, capsize=1.5, label=label)
    step_axis(panel, np.concatenate([table["snapshot"].values for table in tables]).tolist())
    panel.set_ylabel(WORDS[name])


def draw_least_spreads(panel: Axes, least: Mapping[int, float]) -> None:
    """Draw the spread of the best machine by its number of hidden units."""
    panel.set_ylim(bottom=0)
    for hidden, spread in least.items():
        panel.axhline(spread, color=EXACT, lw=0.8, ls="--")
        words = f"best of {hidden} units"
        panel.annotate(words, (0.02, spread), xycoords=("axes fraction", "data"), va="bottom")


def draw_product(panel: Axes) -> None:
    """Draw what the hidden units of p(v) p(h) know of v."""
    panel.axhline(0, color=EXACT, lw=2)
    panel.set_ylim(bottom=-0.1 * panel.get_ylim()[1])  # room below, where no curve is
    panel.annotate("p̃ = p(v) p(h)", (0.98, -0.02), xycoords=("axes fraction", "data"), ha="right", va="top")


def draw_identity(panel: Axes, table: xr.Dataset) -> None:
    """Draw the three terms of the identity and their sum, for the first training."""
    steps, one = table["snapshot"].values, table.isel({REALISATION: 0})
    for name, color, marker in zip(IDENTITY, COLORS, MARKERS, strict=False):
        panel.plot(steps, one[name], marker + "-", color=color, mfc="white", ms=4, label=WORDS[name])
    panel.plot(steps, sum(one[name] for name in IDENTITY), color=EXACT, lw=2, label="their sum")
    step_axis(panel, steps.tolist())
    panel.set_ylabel("nats")
    panel.legend()


def draw_couplings(panel: Axes, strengths: Sequence[float], curves: Mapping[str, Floats]) -> None:
    """Draw the couplings that Kadanoff's operator makes against its parameter, whose last value is infinite."""
    for name, color, marker in zip(INTERACTIONS, COLORS, MARKERS, strict=False):
        panel.plot(strengths[:-1], curves[name][:-1], marker + "-", color=color, mfc="white", ms=4, label=name)
        panel.axhline(curves[name][-1], color=color, lw=0.9, ls=":")
    panel.set(xlabel="λ of Kadanoff's operator", ylabel="coefficient in $H^{\\mathrm{RG}}$")
    panel.legend(loc=(0.68, 0.2))


def _short_labels(cases: Sequence[MachineCase]) -> list[str]:
    """Return of each case's label the words that not all of them have."""
    words = [case.label.split(", ") for case in cases]
    common = set.intersection(*map(set, words)) if len(cases) > 1 else set()
    return [", ".join(word for word in of_one if word not in common) for of_one in words]
