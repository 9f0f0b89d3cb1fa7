"""Swendsen's Monte Carlo RG: whether a layer is an RG step of the layer below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from sweep.analysis.estimators.arrangement import gauge_of, signs_alone
from sweep.analysis.estimators.crossed import by_realisation, crossed_mean
from sweep.analysis.estimators.lattice_sums import Measure, even_sums, odd_sums, per_configuration
from sweep.analysis.estimators.layers import Layer, layer_correlations, layers
from sweep.analysis.estimators.monte_carlo_rg import EXPONENT, Parity, eigenvalue_table
from sweep.analysis.estimators.verdict import compare
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.layer_readings import input_temperature
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, TORUS, below_legend, new_figure

SAME = 1e-6  # temperatures that differ by less are one
REAL = ("average", "mean_field")  # layers of real numbers: sums of h² would have to be among the operators
SMALLEST = 4  # sites per side, from which the sums over sites are different ones
SUMS: dict[Parity, Measure] = {"thermal": even_sums, "magnetic": odd_sums}
MAJORITY, FIXED, SIGNS = "majority", "machine, signs and places fixed", "machine, signs fixed"
MARKS = {MAJORITY: ("o", OURS), FIXED: ("s", TORUS), SIGNS: ("x", OTHER)}


@dataclass(frozen=True)
class _Step:
    """A step from one layer to the next, and its eigenvalues by parity, as `eigenvalue_table` gives them."""

    upper: Layer
    way: str
    tables: dict[Parity, xr.DataArray]

    def found(self, parity: Parity) -> xr.Dataset:
        """Return what `crossed_mean` gives, along the number of sums."""
        return crossed_mean(self.tables[parity])

    @property
    def sides(self) -> tuple[int, int]:
        """Return the sites per side of the two layers."""
        below = self.upper.below
        assert below is not None  # of layers with something below
        return int(below.data.sizes["x"]), int(self.upper.data.sizes["x"])

    @property
    def factor(self) -> float:
        """Return the scale factor b."""
        return self.sides[0] / self.sides[1]

    @property
    def label(self) -> str:
        """Return the chain and how its units are arranged, in words."""
        preset = f", preset {self.upper.machine.preset}" if self.upper.machine else ""
        return f"{self.upper.label}{preset}, {self.way}"


def monte_carlo_rg(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the leading eigenvalues of the linearised transformation between layers, beside those of majority."""
    title = "Monte Carlo RG: is a layer an RG step?"
    steps = _steps(tree)
    if not steps:
        return Absent(title, "no layer of majority block spins or of hidden units in ±1 is complete at T_c")
    figure, panels = new_figure(2, 4.2)
    for panel, parity in zip(panels, EXPONENT, strict=True):
        _draw(panel, steps, parity)
    below_legend(figure, panels[0])
    caption = (
        "Largest eigenvalue of Swendsen's matrix B⁻¹A of covariances of sums over sites, in the layer and across to "
        "the layer below: nearest, diagonal and third neighbours and the plaquette (thermal); spins and products of "
        "three (magnetic). Per factor of two in length: a step by b has its root of order log₂ b. Lines: 2 and "
        "2^(15/8), the Ising fixed point; majority of the same data says how near few sums and finite lattices come to "
        "it. The magnetic one of machines that are RG steps needs signs only, the thermal one places too. What is "
        "beyond the panels is in the table."
    )
    rows = [row for step in steps for parity in EXPONENT for row in _rows(step, parity, steps)]
    told = _conclusion(steps)
    return Exhibit("monte-carlo-rg", title, caption, figure, _numbers(steps), tuple(rows), conclusion=told)


def _steps(tree: xr.DataTree) -> list[_Step]:
    """Return all steps at T_c between lattices of ±1, the largest first."""
    found, correlations = layers(tree), layer_correlations(tree)
    upper = [layer for layer in found if _is_step(layer)]
    gauges = {_name(layer): gauge_of(layer, correlations) for layer in upper if layer.kind == "RBM"}
    sums: dict[tuple[str, str, Parity], xr.DataArray] = {}

    def measured(layer: Layer, way: str, parity: Parity) -> xr.DataArray:
        way = way if layer.kind == "RBM" else MAJORITY
        key = (_name(layer), way, parity)
        if key not in sums:
            gauge = gauges.get(key[0])
            units = signs_alone(gauge) if gauge is not None and way == SIGNS else gauge
            sums[key] = per_configuration(layer.data["spins"], SUMS[parity], units)
        return sums[key]

    steps = []
    for layer in upper:
        pair = layer.chain[-2:]
        if any(one.kind == "RBM" and gauges[_name(one)] is None for one in pair):
            continue
        for way in _ways(layer):
            by_parity = {p: eigenvalue_table(*(measured(one, way, p) for one in pair)) for p in EXPONENT}
            steps.append(_Step(layer, way, by_parity))
    return sorted(steps, key=lambda step: (-step.sides[0], -step.sides[1], list(MARKS).index(step.way)))


def _ways(layer: Layer) -> tuple[str, ...]:
    if layer.kind == "RG":
        return (MAJORITY,)
    return (FIXED,) if layer.control else (FIXED, SIGNS)


def _name(layer: Layer) -> str:
    return f"{layer.stage} at {layer.at}"


def _is_step(layer: Layer) -> bool:
    """Return whether a layer and the one below are lattices of ±1 at T_c."""
    below = layer.below
    return (
        below is not None
        and abs(input_temperature(layer) - CRITICAL_TEMPERATURE) < SAME
        and all(one.side is not None and one.rule not in REAL for one in (layer, below))
        and SMALLEST <= (layer.side or 0) < (below.side or 0)
        and {one.rule for one in layer.chain if one.kind == "RG"} <= {"majority"}
        and layer.chain[0].kernel == "ising"
        and {one.kind for one in layer.chain[1:]} <= {"RG", "RBM"}
    )


def _root(step: _Step, found: xr.Dataset) -> tuple[float, float]:
    """Return the eigenvalue per factor of two and its error; NaN for one that is not positive."""
    value, error = float(found["value"]), float(found["error"])
    power = 1 / np.log2(step.factor)
    root = value**power if value > 0 else np.nan
    return root, error * root * power / value if value > 0 else np.nan


def _draw(panel: Axes, steps: Sequence[_Step], parity: Parity) -> None:
    names = list(dict.fromkeys(f"{a}→{b}" for a, b in (step.sides for step in steps)))
    used: dict[tuple[str, int], int] = {}
    for step in steps:
        place = names.index("→".join(map(str, step.sides)))
        used[step.way, place] = used.get((step.way, place), -1) + 1
        at = place + 0.22 * (list(MARKS).index(step.way) - 1) + 0.05 * used[step.way, place]
        marker, color = MARKS[step.way]
        value, error = _root(step, step.found(parity).isel(operators=-1))
        filled = "white" if step.upper.control else color
        name = step.way + (f", {step.upper.control}" if step.upper.control else "")
        known = panel.get_legend_handles_labels()[1]
        label = None if name in known else name
        panel.errorbar(at, value, error, fmt=marker, color=color, mfc=filled, ms=6, capsize=2, label=label)
    target = 2.0 ** EXPONENT[parity]
    panel.axhline(target, color=EXACT, lw=0.9, ls="--", label="2 and $2^{15/8}$" if parity == "thermal" else None)
    panel.set_xticks(range(len(names)), names)
    panel.set_xlim(-0.5, len(names) - 0.5)
    panel.set(xlabel="sites per side, below → above", ylabel="eigenvalue per factor of 2", title=parity)
    panel.set_ylim(0, 2 * target)


def _conclusion(steps: Sequence[_Step]) -> str:
    """Return in words between what the thermal eigenvalues of each way lie, those of controls left out."""
    words = []
    for way in MARKS:
        own = [step for step in steps if step.way == way and not step.upper.control]
        roots = [_root(step, step.found("thermal").isel(operators=-1))[0] for step in own]
        known = [root for root in roots if np.isfinite(root)]
        if known:
            words.append(f"{way} {min(known):.2f} to {max(known):.2f}")
    return f"Thermal eigenvalue per factor of two, 2 at the Ising fixed point: {'; '.join(words)}." if words else ""


def _rows(step: _Step, parity: Parity, steps: Sequence[_Step]) -> Iterator[Row]:
    last = step.found(parity).isel(operators=-1)
    value, error, degrees = (float(last[name]) for name in ("value", "error", "degrees"))
    target = step.factor ** EXPONENT[parity]
    perfect, verdict = "", None
    same = [one for one in steps if one.way == MAJORITY and one.sides == step.sides]
    if step.way == FIXED and same and not step.upper.control:
        null = same[0].found(parity).isel(operators=-1)
        known, known_error = float(null["value"]), float(null["error"])
        perfect = f"{known:.3f} ± {known_error:.3f}, majority of the same sides"
        count = step.upper.realisations
        verdict = compare(value, error, degrees, known, "majority", known_error, trainings=count)
    quantity = f"{parity} eigenvalue, {'→'.join(map(str, step.sides))} ({step.label})"
    exact = f"{target:.4f} at the fixed point"
    single = by_realisation(step.tables[parity].isel(operators=-1))
    trainings = ", ".join(f"{one:.2f}" for one in single["by_realisation"].values) if step.way != MAJORITY else ""
    remark = f"{last['operators'].item()} sums; {float(step.found(parity)['value'][0]):.3f} with one"
    remark += f"; by training: {trainings}" if trainings else ""
    yield Row(quantity, value, error, "", exact, remark, perfect, verdict)


def _numbers(steps: Sequence[_Step]) -> xr.Dataset:
    parities = xr.DataArray(list(EXPONENT), dims="parity", name="parity")
    parts = [xr.concat([step.found(parity) for parity in EXPONENT], parities, join="outer") for step in steps]
    numbers = xr.concat(parts, xr.DataArray([step.label for step in steps], dims="step", name="step"))
    return numbers.assign(factor=("step", [step.factor for step in steps]))
