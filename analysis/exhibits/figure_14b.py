"""Figure 14b: the temperatures of the layers of a stack of machines, beside RG layers in a random order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.claims.claim import Evidence
from sweep.analysis.claims.paper import MACHINE_TEMPERATURE
from sweep.analysis.estimators.arrangement import gauge_of, random_arrangements, same_units, signs_alone
from sweep.analysis.estimators.layers import Layer, LayerCorrelation, layer_correlations, layers
from sweep.analysis.estimators.verdict import Verdict, compare
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
from sweep.analysis.exhibits.style import below_legend, label_of, new_figure

SEED = 14
SHOWN = 3  # input temperatures that get panels; the table and the CSV have all
RAW, SIGNS, PLACED = "raw labels", "signs fixed", "signs and places fixed"
ORDERED, SHUFFLED, REVERSED = "RG averages, in order", "RG averages, shuffled labels", "RG averages, random signs"
MAJORITY = "RG majority, in order"
DRAWN = (RAW, SIGNS, PLACED, ORDERED, SHUFFLED, REVERSED)


@dataclass(frozen=True)
class _Input:
    """All readings of a stack, and of the RG layers above the same data, at one temperature of the data."""

    temperature: float
    side: int
    readings: dict[str, list[Reading]]


def figure_14b(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the temperature of every layer of the largest stack of machines, by how its units are arranged."""
    title = "Figure 14b: temperatures of RBM layers"
    inputs = _inputs(tree)
    if not inputs:
        return Absent(title, "no stage of the kernel encode is complete whose hidden units make a lattice")
    shown = sorted(sorted(inputs, key=_from_critical)[:SHOWN], key=lambda one: one.temperature)
    drawn = [name for name in DRAWN if any(name in one.readings for one in shown)]
    figure, panels = new_figure(len(shown), 2.1, len(drawn))
    for row, name in enumerate(drawn):
        for column, one in enumerate(shown):
            panel = panels[row * len(shown) + column]
            if name in one.readings:
                draw_readings(panel, one.readings[name])
            panel.set_title(f"{name}, input at T = {one.temperature:.4g}")
            panel.set(ylabel="share" if column == 0 else "", xlabel="")
    below_legend(figure, panels[0])
    for panel in panels[-len(shown) :]:
        panel.set_xlabel(label_of("temperature of one configuration", "J/k_B"))
    top = inputs[0].readings[RAW][-1].layer
    caption = (
        f"{top.label}: the temperature that each configuration reads in each layer, from -2⟨hh'⟩ of neighbours on the "
        "layer's own side (Kaufman, exact), in equal classes of 1/T, those at the ends with all that is beyond. The "
        "numbers of hidden units are no places and their signs are free, so 'neighbours' by raw labels are any two "
        "units. Below: averages of the same data, units in order, in random orders, and with random signs; the jump "
        "after layer 1 that stays is what lost order does to perfect RG layers."
    )
    rows = [row for one in inputs for row in _rows(one)]
    evidence = tuple(one for several in inputs for one in _evidence(several))
    return Exhibit("figure-14b", title, caption, figure, _numbers(inputs), tuple(rows), evidence=evidence)


def _from_critical(one: _Input) -> float:
    return abs(one.temperature - CRITICAL_TEMPERATURE)


def _inputs(tree: xr.DataTree) -> list[_Input]:
    """Return the readings of the largest stack of machines, by temperature of the data."""
    found = layers(tree)
    machines, blocks = list(stacks(found, "RBM")), list(stacks(found, "RG"))
    same = [chain for chain in machines if same_units(chain[-1], machines[0][-1])]
    correlations = layer_correlations(tree)
    inputs = []
    for chain in same:
        over = [rg for rg in blocks if (rg[0].stage, rg[0].at) == (chain[0].stage, chain[0].at)]
        data = read_stack(chain[:1])
        readings = _machine_readings(chain, data, correlations) | _controls(over, data)
        inputs.append(_Input(input_temperature(chain[0]), int(chain[0].data.sizes["x"]), readings))
    return inputs


def _machine_readings(
    chain: Sequence[Layer], data: Sequence[Reading], correlations: Sequence[LayerCorrelation]
) -> dict[str, list[Reading]]:
    """Return what the layers of a stack read: by raw labels all, in their gauge those up to one that has none."""
    found = [(layer.stage, gauge_of(layer, correlations)) for layer in chain[1:]]
    gauges = {stage: gauge for stage, gauge in itertools.takewhile(lambda pair: pair[1] is not None, found) if gauge}
    readings = {RAW: read_stack(chain, known=data)}
    if gauges:
        told = chain[: len(gauges) + 1]
        readings[SIGNS] = read_stack(told, {stage: signs_alone(gauge) for stage, gauge in gauges.items()}, data)
        readings[PLACED] = read_stack(told, gauges, data)
    return readings


def _controls(chains: Sequence[Sequence[Layer]], data: Sequence[Reading]) -> dict[str, list[Reading]]:
    """Return what RG layers read in order, averages also in random orders and with random signs."""
    by_rule = {rule: chain for chain in chains for rule in {layer.rule for layer in chain[1:]}}
    found = {}
    if "average" in by_rule:
        chain = by_rule["average"]
        found[ORDERED] = read_stack(chain, known=data)
        for name, lost in ((SHUFFLED, {"order": True}), (REVERSED, {"sign": True})):
            rng = np.random.default_rng(SEED)
            units = {layer.stage: random_arrangements(layer.units, rng, **lost) for layer in chain[1:]}
            found[name] = read_stack(chain, units, data)
    if "majority" in by_rule:
        found[MAJORITY] = read_stack(by_rule["majority"], known=data)
    return found


def _rows(one: _Input) -> Iterator[Row]:
    for name, readings in one.readings.items():
        if name in (ORDERED, MAJORITY):
            continue  # figure 14a has them
        for step, reading in enumerate(readings[1:], 1):
            found = reading.temperature
            value, error = float(found["temperature"]), float(found["temperature_error"])
            quantity = f"temperature of layer {step}, {reading.side}×{reading.side}, {name}"
            paper = "jumps after layer 1, then stays fixed" if name == RAW else ""
            where = f"{quantity} (input at T = {one.temperature:.4g})"
            yield Row(
                where, value, error, paper, "", words_of(found), _perfect(one, step, name), _verdict(one, step, name)
            )


def _evidence(one: _Input) -> Iterator[Evidence]:
    """Yield the change from layer 1 to layer 2, beside that of exact averages in order and in random orders."""
    readings = one.readings[RAW]
    if len(readings) < 3:
        return
    first, second = (reading.temperature for reading in readings[1:3])
    in_order, shuffled = (
        1 / exact_temperature(one.side, one.temperature, 2, lost)
        - 1 / exact_temperature(one.side, one.temperature, 1, lost)
        for lost in (False, True)
    )
    yield Evidence(
        MACHINE_TEMPERATURE,
        f"input at T = {one.temperature:.4g}, raw labels",
        float(second["inverse"] - first["inverse"]),
        float(np.hypot(first["inverse_error"], second["inverse_error"])),
        min(float(first["degrees"]), float(second["degrees"])),
        exact=in_order,
        perfect=shuffled,
        trainings=int(first["realisations"]),
    )


def _perfect(one: _Input, step: int, name: str) -> str:
    """Return in words what perfect data read after as many steps of 2x2 blocks."""
    if name == REVERSED:
        return "infinite"
    if name == PLACED:
        known = exact_temperature(one.side, one.temperature, step)
        majority = one.readings.get(MAJORITY, [])[step:]
        measured = f", majority {float(majority[0].temperature['temperature']):.4f}" if majority else ""
        return f"averages {known:.4f}{measured}"
    known = exact_temperature(one.side, one.temperature, step, shuffled=True)
    return f"averages in random orders {known:.4f}" + ("; infinite with random signs" if name == RAW else "")


def _verdict(one: _Input, step: int, name: str) -> Verdict | None:
    if name != SHUFFLED:
        return None
    found = one.readings[name][step].temperature
    known = exact_temperature(one.side, one.temperature, step, shuffled=True)
    value, error, degrees = (float(found[part]) for part in ("temperature", "temperature_error", "degrees"))
    return compare(value, error, degrees, known, "the mean over all orders")


def _numbers(inputs: Sequence[_Input]) -> xr.Dataset:
    parts = []
    for one in inputs:
        names = xr.DataArray(list(one.readings), dims="arrangement", name="arrangement")
        parts.append(xr.concat([table_of(readings) for readings in one.readings.values()], names, join="outer"))
    starts = xr.DataArray([one.temperature for one in inputs], dims="input_temperature", name="input_temperature")
    return xr.concat(parts, starts, join="outer")
