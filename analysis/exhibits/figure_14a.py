"""Figure 14a: the temperatures of RG layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import BLOCK_TEMPERATURE
from sweep.analysis.estimators.arrangement import same_units
from sweep.analysis.estimators.layer_temperature import growth
from sweep.analysis.estimators.layers import layers
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact.block_spins import layer_temperature as exact_temperature
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.layer_readings import (
    Reading,
    draw_readings,
    input_temperature,
    read_stack,
    stacks,
    table_of,
    words_of,
)
from sweep.analysis.exhibits.style import EXACT, OURS, TORUS, below_legend, label_of, wrapped_figure

RULES = {"average": "averages", "majority": "majority"}
Stack = list[Reading]


def figure_14a(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the temperature of every layer of block spins, for averages and for majority, by input temperature."""
    title = "Figure 14a: temperatures of RG layers"
    found = {rule: _stacks_of(tree, rule) for rule in RULES}
    found = {rule: several for rule, several in found.items() if several}
    if not found:
        return Absent(title, "no stage of the kernel block_spin with the rule average or majority is complete")
    figure, panels = wrapped_figure(len(found) + 1)
    for panel, (rule, several) in zip(panels, found.items(), strict=False):
        nearest = min(several, key=lambda stack: abs(_start(stack) - CRITICAL_TEMPERATURE))
        draw_readings(panel, nearest)
        name = f"{RULES[rule]}, input at T = {_start(nearest):.4g}"
        panel.set(xlabel=label_of("temperature of one configuration", "J/k_B"), ylabel="share", title=name)
    _draw_steps(panels[-1], found)
    below_legend(figure, panels[0], panels[-1])
    caption = (
        "The temperature at which an Ising lattice of the layer's own side has the energy -2⟨hh'⟩ of neighbours in the "
        "layer (Kaufman, exact). First panels: of single configurations, in equal classes of 1/T. Last: of the mean "
        "energy; dashed: T − T_c doubling with every step, from the first layer of majority on, as a first step is not "
        "yet near the fixed point; crosses: exact values for averages. Averages are no ±1 spins: ⟨h²⟩ < 1 makes them "
        "read hotter with every step, at T_c too."
    )
    rows = [row for rule, several in found.items() for stack in several for row in _rows(rule, stack)]
    evidence = tuple(one for stack in found.get("average", []) for one in _evidence(stack))
    return Exhibit("figure-14a", title, caption, figure, _numbers(found), tuple(rows), evidence=evidence)


def _stacks_of(tree: xr.DataTree, rule: str) -> list[Stack]:
    """Return the readings of the largest chain of a rule, by input temperature."""
    chains = [chain for chain in stacks(layers(tree), "RG") if {layer.rule for layer in chain[1:]} == {rule}]
    same = [chain for chain in chains if same_units(chain[-1], chains[0][-1])]
    return [read_stack(chain) for chain in same]


def _start(stack: Stack) -> float:
    return input_temperature(stack[0].layer)


def _draw_steps(panel: Axes, found: dict[str, list[Stack]]) -> None:
    for (rule, several), color, marker in zip(found.items(), (TORUS, OURS), "so", strict=False):
        for stack in several:
            values = [reading.temperature for reading in stack]
            y, error = ([float(value[name]) for value in values] for name in ("temperature", "temperature_error"))
            steps = np.arange(len(y))
            label = RULES[rule] if stack is several[0] else None
            panel.errorbar(steps, y, error, fmt=marker + "-", color=color, mfc="white", ms=5, lw=0.8, label=label)
            if rule == "majority":
                doubled = CRITICAL_TEMPERATURE + (y[1] - CRITICAL_TEMPERATURE) * 2.0 ** (steps[1:] - 1)
                label = "T − T_c doubles" if stack is several[0] else None
                panel.plot(steps[1:], np.where(doubled > 0, doubled, np.nan), color=EXACT, lw=1, ls="--", label=label)
            if rule == "average":
                known = [exact_temperature(stack[0].side, _start(stack), step) for step in steps[1:]]
                label = "averages, exact" if stack is several[0] else None
                panel.plot(steps[1:], known, "x", color=EXACT, ms=5, zorder=3, label=label)
    panel.axhline(CRITICAL_TEMPERATURE, color=EXACT, lw=0.8, ls=":", label="T_c")
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0)))
    panel.yaxis.set_major_formatter(ScalarFormatter())
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set(xlabel="RG steps", ylabel=label_of("temperature of the layer", "J/k_B"))
    panel.set_xticks(range(max(len(stack) for several in found.values() for stack in several)))


def _rows(rule: str, stack: Stack) -> Iterator[Row]:
    start = _start(stack)
    where = f"{RULES[rule]}, input at T = {start:.4g}"
    for step, reading in enumerate(stack[1:], 1):
        found = reading.temperature
        value, error = float(found["temperature"]), float(found["temperature_error"])
        perfect, verdict = "", None
        if rule == "average":
            known = exact_temperature(stack[0].side, start, step)
            perfect = f"{known:.4f}, exact"
            verdict = compare(value, error, float(found["degrees"]), known, "averages of perfect data")
        quantity = f"temperature of RG layer {step}, {reading.side}×{reading.side} ({where})"
        yield Row(quantity, value, error, "", "", words_of(found), perfect, verdict)
    yield from _growth_rows(rule, stack, where)


def _growths(stack: Stack) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield by how much T - T_c grows with every step, where it is not 0 to begin with; the step in words."""
    if abs(_start(stack) - CRITICAL_TEMPERATURE) > 1e-3:
        for below, above in itertools.pairwise(stack):
            found = growth(below.energy, above.energy, (below.side, above.side))
            yield f"{below.side}→{above.side}", found


def _evidence(stack: Stack) -> Iterator[Evidence]:
    """Yield how the temperature of averages grows, beside that of averages of perfect data."""
    start, side = _start(stack), stack[0].side
    known = [start, *(exact_temperature(side, start, step) for step in range(1, len(stack)))]
    for number, (step, found) in enumerate(_growths(stack)):
        value, error, degrees = (float(found[name]) for name in ("value", "error", "degrees"))
        below, above = (known[number + part] - CRITICAL_TEMPERATURE for part in (0, 1))
        where = f"{step}, input at T = {start:.4g}"
        yield Evidence(BLOCK_TEMPERATURE, where, value, error, degrees, exact=2.0, perfect=above / below)


def _growth_rows(rule: str, stack: Stack, where: str) -> Iterator[Row]:
    exact = "2 at the fixed point (b = 2, ν = 1)"
    for step, found in _growths(stack):
        quantity = f"factor by which T - T_c grows, {step} ({where})"
        remark = "averages shrink, which heats them at every T" if rule == "average" else ""
        yield Row(quantity, float(found["value"]), float(found["error"]), "roughly doubles each step", exact, remark)


def _numbers(found: dict[str, list[Stack]]) -> xr.Dataset:
    by_rule = []
    for several in found.values():
        starts = xr.DataArray([_start(stack) for stack in several], dims="input_temperature", name="input_temperature")
        by_rule.append(xr.concat([table_of(stack) for stack in several], starts))
    return xr.concat(by_rule, xr.DataArray(list(found), dims="rule", name="rule"), join="outer")
