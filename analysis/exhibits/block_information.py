"""What coarse units tell about spins beyond a buffer: a machine's, beside averages, majority and decimation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.block_information import (
    Sites,
    block_table,
    cut_units,
    information,
    marked_for,
    ring,
    seen_by,
    strongest_blocks,
    unit_table,
)
from sweep.analysis.estimators.crossed import BIN, REALISATION, crossed_mean
from sweep.analysis.estimators.layers import Layer, layers
from sweep.analysis.estimators.stages import completed, dataset_at, mapping
from sweep.analysis.exact.block_information import RULES
from sweep.analysis.exact.block_information import block_information as exact_information
from sweep.analysis.exact.enumeration import all_spins
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.layer_readings import input_temperature
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, TORUS, below_legend, new_figure

BUFFERS = (0, 1, 2, 3)
TOLD = 1  # the buffer of the table and of the histogram
SAME = 1e-6  # temperatures that differ by less are one
WHOLE, CUT = WAYS = ("whole unit", "unit cut to its block")
LINES = {"block": "-", "average": "--", "majority": "-.", "decimation": ":"}
COLORS = (OURS, TORUS, OTHER)


@dataclass(frozen=True)
class _Units:
    """Information of the units of one layer in a way of `WAYS`, [realisation, buffer, hidden_unit, bin], in nats."""

    layer: Layer
    way: str
    values: xr.DataArray

    @property
    def label(self) -> str:
        """Return the layer and the way, in words."""
        preset = f", preset {self.layer.machine.preset}" if self.layer.machine else ""
        return f"{self.layer.label}{preset}, {self.way}"


def block_information(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the mutual information of coarse units and an environment, against the width of the buffer between."""
    title = "What a coarse unit tells about its surroundings"
    first = _first_layers(tree)
    if not first:
        return Absent(title, "no stage of the kernel encode or block_spin is complete right above Ising data at T_c")
    data = first[0].chain[0]
    rings = _rings(data)
    tables = {buffer: block_table(_one(data.data["spins"]), around) for buffer, around in rings.items()}
    rules = _rules(tables)
    units = [found for layer in first if layer.kind == "RBM" for found in _units(tree, layer, rings, tables)]
    figure, (left, right) = new_figure(2, 4.2)
    _draw_by_buffer(left, rules, units)
    _draw_units(right, rules, units)
    below_legend(figure, left)
    side, marked = int(data.data.sizes["x"]), len(rings[0])
    caption = (
        f"Mutual information, {side}×{side} at T_c, of a 2×2 block, or of what a rule makes of it, with {marked} spins "
        "of the ring beyond a buffer of so many sites, in nats, counted over all configurations and blocks; the bias "
        "of counting is taken off by the jackknife. Hidden units: as they are, with the ring around the block where "
        "their weights are strongest; they see the whole lattice, the ring with it, and can know more than the block. "
        "Cut: weights outside that block put to 0, which leaves what the rules have. Bars: spread over units; marks "
        f"of one buffer stand beside each other. Right: single units, whole (full lines) and cut (dashed), buffer "
        f"{TOLD}. Exact, 4×4 torus, with all 12 other spins: {_small_torus()}."
    )
    rows = [*_rule_rows(rules, side, marked), *(row for found in units for row in _unit_rows(found, rules, marked))]
    told = _conclusion(rules, units)
    return Exhibit("block-information", title, caption, figure, _numbers(rules, units), tuple(rows), conclusion=told)


def _small_torus() -> str:
    return ", ".join(f"{rule} {exact_information(4, CRITICAL_TEMPERATURE, rule):.4f}" for rule in RULES)


def _first_layers(tree: xr.DataTree) -> list[Layer]:
    """Return the layers right above the smallest Ising lattice at T_c that has machines, samples only."""
    found = [
        layer
        for layer in layers(tree)
        if layer.depth == 1
        and layer.chain[-2].kernel == "ising"
        and layer.side is not None
        and layer.rule != "mean_field"
        and abs(input_temperature(layer) - CRITICAL_TEMPERATURE) < SAME
    ]
    best = min(found, key=lambda layer: (layer.kind == "RG", layer.chain[0].side or 0), default=None)
    return [layer for layer in found if best and layer.chain[0].stage == best.chain[0].stage]


def _rings(data: Layer) -> dict[int, Sites]:
    """Return the environment for every buffer that the lattice has room for."""
    spins = data.data["spins"]
    marked = marked_for(spins.sizes["configuration"])
    return {buffer: ring(buffer, marked) for buffer in BUFFERS if 2 * buffer + 4 <= spins.sizes["x"]}


def _one(spins: xr.DataArray) -> xr.DataArray:
    return spins.isel({REALISATION: 0}) if REALISATION in spins.dims else spins


def _rules(tables: dict[int, xr.DataArray]) -> xr.DataArray:
    """Return the information of every rule, DataArray[rule, buffer, bin]."""
    channels = [xr.DataArray(rule(all_spins(4)), dims=("block", "state")) for rule in RULES.values()]
    names = xr.DataArray(list(RULES), dims="rule", name="rule")
    return _by_buffer({b: xr.concat([information(seen_by(c, t)) for c in channels], names) for b, t in tables.items()})


def _by_buffer(found: dict[int, xr.DataArray]) -> xr.DataArray:
    return xr.concat(list(found.values()), xr.DataArray(list(found), dims="buffer", name="buffer"))


def _units(tree: xr.DataTree, layer: Layer, rings: dict[int, Sites], tables: dict[int, xr.DataArray]) -> list[_Units]:
    """Return the information of a layer's units, in both ways."""
    data = _one(layer.chain[0].data["spins"])
    whole, cut = [], []
    for trained, units in _trainings(_machine(tree, layer), layer.data["spins"]):
        weights = trained["weights"].values.reshape(data.sizes["y"], data.sizes["x"], -1)
        places = strongest_blocks(weights)
        rule = cut_units(weights, trained["hidden_bias"].values, places)
        whole.append(_by_buffer({b: information(unit_table(data, units, places, rings[b])) for b in tables}))
        cut.append(_by_buffer({b: information(seen_by(rule, table)) for b, table in tables.items()}))
    pairs = zip(WAYS, (whole, cut), strict=True)
    return [_Units(layer, way, xr.concat(values, REALISATION)) for way, values in pairs]


def _trainings(machine: xr.Dataset, spins: xr.DataArray) -> Iterator[tuple[xr.Dataset, xr.DataArray]]:
    """Yield machine and hidden samples, training by training."""
    if REALISATION not in spins.dims:
        yield machine, spins
        return
    for label in spins[REALISATION]:
        yield machine.sel({REALISATION: label}), spins.sel({REALISATION: label})


def _machine(tree: xr.DataTree, layer: Layer) -> xr.Dataset:
    """Return weights and biases of the machine that made a layer, completed realisations only."""
    stage = tree.children[mapping(tree.children[layer.stage].attrs, "inputs")["machine"]]
    done = stage.to_dataset()["done"]
    at = {axis: label for axis, label in layer.at.items() if axis in done.dims}
    return completed(dataset_at(stage, at), done.sel(at, drop=True))


def _draw_by_buffer(panel: Axes, rules: xr.DataArray, units: Sequence[_Units]) -> None:
    for name, line in LINES.items():
        found = crossed_mean(rules.sel(rule=name))
        panel.errorbar(rules["buffer"], found["value"], found["error"], color=EXACT, ls=line, lw=1.2, label=name)
    for number, one in enumerate(units):
        marker, fill = ("o", COLORS[number // 2 % 3]) if one.way == WHOLE else ("s", "white")
        single = one.values.mean(BIN)
        spread = single.std([REALISATION, "hidden_unit"])
        panel.errorbar(
            one.values["buffer"] + 0.06 * (number - (len(units) - 1) / 2),
            single.mean([REALISATION, "hidden_unit"]),
            spread,
            fmt=marker,
            mfc=fill,
            color=COLORS[number // 2 % 3],
            ms=5,
            lw=0.9,
            label=one.label,
        )
    panel.set_xticks(rules["buffer"].values)
    panel.set(xlabel="buffer (sites)", ylabel="mutual information (nats)")
    panel.set_ylim(bottom=-0.02 * panel.get_ylim()[1])  # marks at 0 are whole


def _draw_units(panel: Axes, rules: xr.DataArray, units: Sequence[_Units]) -> None:
    at = min(TOLD, int(rules["buffer"].max()))
    for name, line in LINES.items():
        panel.axvline(float(rules.sel(rule=name, buffer=at).mean()), color=EXACT, ls=line, lw=1.2)
    most = max([float(rules.max()), *(float(one.values.sel(buffer=at).mean(BIN).max()) for one in units)])
    edges = np.linspace(0, 1.05 * most, 43).tolist()
    for number, one in enumerate(units):
        values = one.values.sel(buffer=at).mean(BIN).values.ravel()
        color, width, line = COLORS[number // 2 % 3], 0.8 + 0.5 * (number // 2), "-" if one.way == WHOLE else "--"
        panel.hist(values, edges, histtype="step", color=color, lw=width, ls=line)
    panel.set(xlabel=f"mutual information, buffer {at} (nats)", ylabel="units")
    panel.set_xlim(left=0)
    if not units:
        panel.text(0.5, 0.5, "no layer of hidden units is complete", transform=panel.transAxes, ha="center")


def _conclusion(rules: xr.DataArray, units: Sequence[_Units]) -> str:
    """Return in words what a block, its rules and hidden units cut to a block tell of what is beyond the buffer."""
    at = min(TOLD, int(rules["buffer"].max()))
    known = {name: float(rules.sel(rule=name, buffer=at).mean()) for name in LINES}
    known |= {one.label: float(one.values.sel(buffer=at).mean()) for one in units if one.way != WHOLE}
    told = "; ".join(f"{name} {value:.3f}" for name, value in known.items())
    return f"Beyond a buffer of {at}, in nats: {told}."


def _rule_rows(rules: xr.DataArray, side: int, marked: int) -> Iterator[Row]:
    for name in rules["rule"].values.tolist():
        found = crossed_mean(rules.sel(rule=name, buffer=min(TOLD, int(rules["buffer"].max()))))
        quantity = f"information of a block with {marked} spins beyond a buffer of {int(found['buffer'])}, nats"
        words = "the four spins" if name == "block" else name
        yield Row(f"{quantity} ({words}, {side}×{side} at T_c)", float(found["value"]), float(found["error"]), "", "")


def _unit_rows(one: _Units, rules: xr.DataArray, marked: int) -> Iterator[Row]:
    at = one.values.sel(buffer=min(TOLD, int(rules["buffer"].max())))
    found = crossed_mean(at.mean("hidden_unit"))
    single = at.mean(BIN)
    known = rules.sel(buffer=at["buffer"]).mean(BIN)
    remark = f"from {float(single.min()):.3f} to {float(single.max()):.3f} over units"
    perfect = ", ".join(f"{name} {float(known.sel(rule=name)):.3f}" for name in LINES)
    quantity = f"information of a unit with {marked} spins beyond a buffer of {int(at['buffer'])}, nats ({one.label})"
    yield Row(quantity, float(found["value"]), float(found["error"]), "", "", remark, perfect)


def _numbers(rules: xr.DataArray, units: Sequence[_Units]) -> xr.Dataset:
    parts = {name: rules.sel(rule=name, drop=True) for name in LINES}
    parts |= {one.label: one.values.mean("hidden_unit") for one in units}
    found = [crossed_mean(values) for values in parts.values()]
    spreads = {one.label: one.values.mean(BIN).std([REALISATION, "hidden_unit"]) for one in units}
    with_spread = [part.assign(over_units=spreads.get(name, np.nan)) for name, part in zip(parts, found, strict=True)]
    return xr.concat(with_spread, xr.DataArray(list(parts), dims="variable", name="variable"))
