"""Where flows end: a figure that the paper does not have, and the rows that its claim is tested by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.fixed_point import QUANTITIES, end_of_flow, reading_convergence
from sweep.analysis.estimators.flow_cases import FlowCase, flow_cases
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import COLORS, LIMIT, MARKERS, about, legend_below, verdict
from sweep.analysis.exhibits.style import EXACT, new_figure

NAMES = {
    "network temperature": "T read by the network (J/k_B)",
    "energy temperature": "T read by the energy (J/k_B)",
    "abs_magnetization": "⟨|m|⟩ per site",
}


def fixed_points(tree: xr.DataTree) -> Exhibit | Absent:
    """Return where every flow of the store ends, by both thermometers and |m|, against where it started."""
    title = "Where the flow ends"
    cases = flow_cases(tree)
    if not cases:
        return Absent(title, "no completed stage of the kernel rbm_flow")
    ends = [{quantity: end_of_flow(case, quantity) for quantity in QUANTITIES} for case in cases]
    figure, panels = new_figure(len(QUANTITIES), height=4.4)
    for panel, quantity in zip(panels, QUANTITIES, strict=True):
        _draw(panel, quantity, cases, [end[quantity] for end in ends])
    legend_below(figure, panels[0])
    names = xr.DataArray(list(QUANTITIES), dims="quantity", name="quantity")
    labels = xr.DataArray([case.label for case in cases], dims="case", name="case")
    numbers = xr.concat([xr.concat(list(end.values()), names) for end in ends], labels, join="outer")
    rows = [row for case, end in zip(cases, ends, strict=True) for row in _rows(case, end)]
    caption = (
        "Mean over the last third of the flow by the temperature where it started, with one standard error. Dotted: "
        f"T_c; dashed: no change. {'; '.join(about(case) for case in cases)}."
    )
    return Exhibit("fixed-points", title, caption, figure, numbers, tuple(rows))


def _draw(panel: Axes, quantity: str, cases: list[FlowCase], ends: list[xr.Dataset]) -> None:
    for style, (case, end) in enumerate(zip(cases, ends, strict=True)):
        marker, color = MARKERS[style % len(MARKERS)], COLORS[style % len(COLORS)]
        data = end["temperature"], end["value"], end["error"]
        panel.errorbar(*data, fmt=marker, color=color, mfc="white", ms=4, capsize=1.5, label=case.label)
    if quantity != "abs_magnetization":
        highest = max(float(end["temperature"].max()) for end in ends)
        panel.plot([0, highest], [0, highest], color=EXACT, lw=0.8, ls="--", label="no change")
        panel.axhline(CRITICAL_TEMPERATURE, color=EXACT, lw=0.9, ls=":", label="T_c")
    panel.set(xlabel="temperature of the start (J/k_B)", ylabel=NAMES[quantity])


def _rows(case: FlowCase, ends: dict[str, xr.Dataset]) -> Iterator[Row]:
    for name, end in ends.items():
        value, error = float(end["all_value"]), float(end["all_error"])
        first, last = (float(end["value"].isel(temperature=place)) for place in (0, -1))
        remark = [f"machine: {case.machine}", f"from the coldest start {first:.3f}, from the hottest {last:.3f}"]
        if abs(end["memory_value"]) > LIMIT * end["memory_error"]:
            remark.append("the flow has not forgotten its start")
        if name != "abs_magnetization" and np.isfinite(value):
            remark.insert(0, verdict(value, error, CRITICAL_TEMPERATURE, "T_c"))
        paper = "flows to T_c" if name != "abs_magnetization" else ""
        where = f"end of the flow, {NAMES[name]}, mean over starts ({case.label})"
        exact = f"T_c = {CRITICAL_TEMPERATURE:.4f}" if paper else ""
        yield Row(where, value, error, paper, exact, "; ".join(remark))
    for start, lengths in zip(("coldest", "hottest"), reading_convergence(case, "energy temperature"), strict=True):
        quantity = f"convergence length of T read by the energy, from the {start} start ({case.label})"
        yield Row(quantity, lengths.mean, lengths.error, "26; 9 in earlier work, both of Δm", "", lengths.remark())
