"""Where flows end by where they started: a figure that the paper does not have, and the rows that test its claim."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.fixed_point import end_of_flow, reading_convergence
from sweep.analysis.estimators.flow_cases import SAME, SNAPSHOT, FlowCase, flow_cases
from sweep.analysis.estimators.perfect import perfect_end
from sweep.analysis.estimators.verdict import Verdict, compare
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import COLORS, LIMIT, MARKERS, about
from sweep.analysis.exhibits.style import EXACT, below_legend, new_figure

NAMES = {
    "temperature of the energy": "T of the energy, no prior (J/k_B)",
    "energy temperature": "T read by the energy (J/k_B)",
    "network temperature": "T read by the network (J/k_B)",
    "abs_magnetization": "⟨|m|⟩ per site",
    "energy": "energy per site (J)",
}
DRAWN = tuple(NAMES)[:4]
CLAIM = f"flows to T_c = {CRITICAL_TEMPERATURE:.4f}"
NO_ENDS = "no completed stage of the kernel rbm_flow"
MIXTURE = "the training mixture"


def fixed_points(tree: xr.DataTree) -> Exhibit | Absent:
    """Return where every flow of the store ends, by energy, three temperatures and |m|, against where it started."""
    title = "Where the flow ends, by where it started"
    cases = [case for case in flow_cases(tree) if SNAPSHOT not in case.at]
    if not cases:
        return Absent(title, NO_ENDS)
    ends = [end_of_flow(case) for case in cases]
    perfect = [perfect_end(case) for case in cases]
    figure, panels = new_figure(2, height=3.6, rows=2)
    for panel, quantity in zip(panels, DRAWN, strict=True):
        shown = [end.sel(quantity=quantity) for end in ends]
        _draw(panel, quantity, cases, shown, [known[quantity] for known in perfect])
    below_legend(figure, panels[0])
    labels = xr.DataArray([case.label for case in cases], dims="case", name="case")
    numbers = xr.concat(ends, labels, join="outer")
    rows = [row for case, end, known in zip(cases, ends, perfect, strict=True) for row in _rows(case, end, known)]
    caption = (
        "Mean over the last third of the flow by the temperature where it started. A thin line for every training, "
        "points for their mean with one standard error where longer training ends nearer to one machine. Full line: "
        "the mixture of all training temperatures, where the flow of a perfectly trained machine ends; dotted: T_c, "
        f"the paper's claim; dashed: no change. {'; '.join(about(case) for case in cases)}."
    )
    told = "; ".join(
        f"{case.label}: {memory(end.sel(quantity='energy temperature'))}" for case, end in zip(cases, ends, strict=True)
    )
    conclusion = f"Where flows end by where they started, T read by the energy. {told}."
    return Exhibit("fixed-points", title, caption, figure, numbers, tuple(rows), conclusion=conclusion)


def _draw(panel: Axes, quantity: str, cases: list[FlowCase], ends: list[xr.Dataset], perfect: list[float]) -> None:
    for style, (case, end, known) in enumerate(zip(cases, ends, perfect, strict=True)):
        marker, color = MARKERS[style % len(MARKERS)], COLORS[style % len(COLORS)]
        each = end["each_by_realisation"].transpose("temperature", ...).values.reshape(end.sizes["temperature"], -1)
        panel.plot(end["temperature"], each, "-", color=color, lw=0.7, alpha=0.7)
        if case.machine.settles:
            data = end["temperature"], end["value"], end["error"]
            panel.errorbar(*data, fmt=marker, color=color, mfc="white", ms=4, capsize=1.5, label=case.label)
        else:
            panel.plot([], [], "-", color=color, lw=0.7, label=f"{case.label}: each training")
        if np.isfinite(known):
            panel.axhline(known, color=color, lw=1.3, label=f"{MIXTURE}, perfect data")
    if quantity != "abs_magnetization":
        highest = max(float(end["temperature"].max()) for end in ends)
        panel.plot([0, highest], [0, highest], color=EXACT, lw=0.8, ls="--", label="no change")
        panel.axhline(CRITICAL_TEMPERATURE, color=EXACT, lw=0.9, ls=":", label="T_c, the paper's claim")
    panel.set(xlabel="temperature of the start (J/k_B)", ylabel=NAMES[quantity])


def _rows(case: FlowCase, ends: xr.Dataset, perfect: dict[str, float]) -> Iterator[Row]:
    if case.machine.settles:
        for name, words in NAMES.items():
            quantity, end = f"end of the flow, {words}, mean over starts ({case.label})", ends.sel(quantity=name)
            value, error = float(end["all_value"]), float(end["all_error"])
            remark = f"machine: {case.machine}; {memory(end)}"
            known = perfect_words(case, perfect[name], end)
            yield Row(quantity, value, error, claim(name), "", remark, known, end_verdict(case, end, perfect[name]))
    for start, lengths in zip(("coldest", "hottest"), reading_convergence(case, "energy temperature"), strict=True):
        quantity = f"convergence length of T read by the energy, from the {start} start ({case.label})"
        yield Row(quantity, lengths.mean, lengths.error, "26; 9 in earlier work, both of Δm", "", lengths.remark())


def claim(quantity: str) -> str:
    """Return what the paper claims of a quantity at the end of the flow."""
    return CLAIM if "temperature" in quantity else ""


def memory(end: xr.Dataset) -> str:
    """Return in words whether a flow has forgotten where it began."""
    first, last = (float(end["value"].isel(temperature=place)) for place in (0, -1))
    words = f"from the coldest start {first:.3f}, from the hottest {last:.3f}"
    forgotten = not abs(end["memory_value"]) > LIMIT * end["memory_error"]
    return words if forgotten else f"{words}: the flow has not forgotten its start"


def perfect_words(case: FlowCase, known: float, end: xr.Dataset) -> str:
    """Return in words where a perfect machine's flow ends: exactly, and as the starts are that it was trained on."""
    words = [f"{known:.4f}: {MIXTURE}"] if np.isfinite(known) else []
    if same_as_trained(case):
        value, error = float(end["begin_value"]), float(end["begin_error"])
        begin = f"{value:.4f}" + (f" ± {error:.4f}" if np.isfinite(error) else "")
        words.append(f"{begin}: all starts at step 0")
    return "; ".join(words)


def end_verdict(case: FlowCase, end: xr.Dataset, known: float) -> Verdict | None:
    """Return whether the flow ends as that of a perfect machine; step 0 does only if it is what was trained on."""
    if np.isfinite(known):
        value, error, degrees = (float(end[f"all_{name}"]) for name in ("value", "error", "degrees"))
        return compare(value, error, degrees, known, MIXTURE, trainings=case.realisations)
    if not same_as_trained(case):
        return None
    change, error, degrees = (float(end[f"change_{name}"]) for name in ("value", "error", "degrees"))
    return compare(change, error, degrees, 0.0, "all starts at step 0", trainings=case.realisations)


def same_as_trained(case: FlowCase) -> bool:
    """Return whether the flow starts from the temperatures that its machine was trained on."""
    starts, mixture = case.temperatures("start"), case.machine.mixture
    return len(starts) == len(mixture) and bool(np.allclose(starts, mixture, rtol=0, atol=SAME))
