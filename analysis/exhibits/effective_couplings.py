"""What machines learned, as numbers: couplings between visible units, their range, fields, the spectrum of W."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sweep.analysis.estimators.coupling_cases import SNAPSHOT, CouplingCase, coupling_cases
from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.effective_couplings import FURTHEST, learned, torus_distances
from sweep.analysis.estimators.effective_couplings import effective_couplings as effective_couplings_of
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.exact.enumeration import Floats, ising_hamiltonian
from sweep.analysis.exact.perfect_machines import best_machine, ising_machine
from sweep.analysis.exact.small_machines import mapping_of
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import COLORS, MARKERS
from sweep.analysis.exhibits.style import EXACT, below_legend, new_figure, step_axis

LARGEST = 1024  # visible units: with 256 hidden ones a machine takes 1 s, and 4096 with 1024 take a minute
SHOWN = len(COLORS)  # cases that are drawn; the table and the CSV have all
WORDS = {
    "nearest": "nearest-neighbour coupling",
    "share_beyond": "share of Σ J² beyond nearest neighbours",
    "range": "range of the couplings (sites)",
    "field": "r.m.s. field",
    "share_beyond_pairs": "share of H beyond fields and pairs, spins at random",
    "largest_singular_value": "largest singular value of W",
}
RAN_AWAY = f"trainings ran away: hidden units receive more than {FURTHEST:g}, or no number at all"
FEW_SITES, FEW_UNITS, SEEDS = 9, 8, range(3)  # where the best machine is found in a second, from so many starts
PERFECT = {"share_beyond": "0", "range": "1", "field": "0", "share_beyond_pairs": "0"}


def effective_couplings(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the effective couplings of every machine on a lattice, by distance and by step of its training."""
    title = "What machines learned: effective couplings between visible units"
    found = coupling_cases(tree)
    cases = [case for case in found if case.visible <= LARGEST]
    if not cases:
        return Absent(
            title, f"no completed machine whose visible units, {LARGEST} at most, are sites of a square lattice"
        )
    tables = [case.numbers() for case in cases]
    if not any(_known(table) for table in tables):
        return Absent(title, RAN_AWAY)
    left_out = sorted({case.stage for case in found} - {case.stage for case in cases})
    caption = (
        "J_ij, the coefficient of v_i v_j in −H[v] = ln Σ_h e^{−E}, exactly: the average over all other spins, up and "
        "down alike, by one integral for each hidden unit. A machine that is the Ising model has 1/T on bonds (dashed "
        "lines) and 0 elsewhere. (a) Mean over pairs of sites by their distance; (b) root mean square over them; (c) "
        "mean over bonds as training goes on, thin: single trainings; (d) singular values of W at the end, dotted: the "
        "machine with a hidden unit for each bond. Spins at random are far from the data at low temperature: there "
        "fields and pairs say little of p(v) where their share of H is small. Errors: standard errors over trainings."
        + (f" Left out, more than {LARGEST} visible units: {', '.join(left_out)}." if left_out else "")
    )
    rows = [row for case, table in zip(cases, tables, strict=True) for row in _rows(case, table)]
    figure, numbers = _figure(cases, tables), _numbers(cases, tables)
    told = _conclusion(cases, tables)
    return Exhibit("effective-couplings", title, caption, figure, numbers, tuple(rows), conclusion=told)


def _known(table: xr.Dataset) -> bool:
    """Return whether there is anything that machines have learned at the end."""
    return bool(table["nearest"].isel({SNAPSHOT: -1}).notnull().any())


def _figure(cases: Sequence[CouplingCase], tables: Sequence[xr.Dataset]) -> Figure:
    figure, panels = new_figure(2, rows=2)
    known = [place for place in range(len(cases)) if _known(tables[place])]
    order = sorted(known, key=lambda place: -cases[place].visible)[:SHOWN]
    for style, place in enumerate(order):
        case, table = cases[place], tables[place]
        form = {"color": COLORS[style], "marker": MARKERS[style], "mfc": "white", "ms": 4, "lw": 0.8}
        end = table.isel({SNAPSHOT: -1})
        _draw_mean(panels[0], end, "coupling", "distance", {**form, "label": case.label})
        _draw_mean(panels[1], end, "rms_coupling", "distance", form)
        _draw_training(panels[2], table, form)
        _draw_mean(panels[3], end, "singular_value", "rank", {**form, "ms": 2.5})
        if case.temperature is not None:
            for panel in (panels[0], panels[2]):
                panel.axhline(1 / case.temperature, color=EXACT, lw=0.8, ls="--", zorder=1)
            panels[3].plot(*_perfect_spectrum(case.visible, case.temperature), color=COLORS[style], lw=1, ls=":")
    panels[0].set(xlabel="distance (sites)", ylabel="mean J")
    panels[1].set(xlabel="distance (sites)", ylabel="root mean square J", yscale="log")
    panels[2].set_ylabel("mean J of nearest neighbours")
    step_axis(panels[2], np.concatenate([table[SNAPSHOT].values for table in tables]).tolist())
    panels[3].set(xlabel="rank", ylabel="singular value of W", xscale="log", yscale="log")
    for panel, letter in zip(panels, "abcd", strict=True):
        panel.set_title(f"({letter})", loc="left")
    below_legend(figure, panels[0])
    return figure


def _draw_mean(panel: Axes, end: xr.Dataset, name: str, dim: str, form: dict[str, Any]) -> None:
    """Draw the mean over trainings with its error; nothing of what is 0, where the panel is logarithmic."""
    mean = mean_and_error(end[name], REALISATION)
    seen = mean["value"] > mean["value"].max() * 1e-6 if name != "coupling" else mean["value"].notnull()
    panel.errorbar(mean[dim], mean["value"].where(seen), mean["error"], capsize=1.5, **form)


def _draw_training(panel: Axes, table: xr.Dataset, form: dict[str, Any]) -> None:
    mean = mean_and_error(table["nearest"], REALISATION)
    each = table["nearest"].transpose(SNAPSHOT, REALISATION)
    panel.plot(table[SNAPSHOT], each, color=form["color"], lw=0.5, alpha=0.5)
    panel.errorbar(table[SNAPSHOT], mean["value"], mean["error"], capsize=1.5, **form)


def _perfect_spectrum(visible: int, temperature: float) -> tuple[Floats, Floats]:
    """Return ranks and singular values of the machine with a hidden unit for each bond of the torus."""
    weights = ising_machine(math.isqrt(visible), temperature).weights
    squares = np.linalg.eigvalsh(weights @ weights.T)[::-1]
    values = np.sqrt(squares[squares > 1e-9 * squares[0]])
    return np.arange(1.0, len(values) + 1), values


def _numbers(cases: Sequence[CouplingCase], tables: Sequence[xr.Dataset]) -> xr.Dataset:
    """Return what the machines have learned, one number a row."""
    frames = []
    for case, table in zip(cases, tables, strict=True):
        for dims in ([], ["distance"], ["rank"]):
            names = [name for name, values in table.items() if set(values.dims) == {REALISATION, SNAPSHOT, *dims}]
            frame = table[names].to_dataframe().reset_index().assign(case=case.label)
            frames.append(frame.melt(["case", REALISATION, SNAPSHOT, *dims], names, "quantity"))
    return xr.Dataset.from_dataframe(pd.concat(frames, ignore_index=True).rename_axis("number"))


def _rows(case: CouplingCase, table: xr.Dataset) -> Iterator[Row]:
    """Yield what the machines of a case have learned at the end of their training."""
    end = table.isel({SNAPSHOT: -1})
    step = f", after {int(end[SNAPSHOT])} steps" if case.trained else ""
    few = case.visible == FEW_SITES and case.hidden <= FEW_UNITS
    best = _best(case.temperature, case.hidden) if few and case.temperature is not None else {}
    for name, called in WORDS.items():
        mean = mean_and_error(end[name], REALISATION)
        value = float(mean["value"])
        where = f"{called} ({case.label}{step})"
        words = _exact(case, name), _remark(case, table, name, value), best.get(name, "")
        yield Row(where, value, float(mean["error"]), "", *words)


@functools.lru_cache(maxsize=64)
def _best(temperature: float, hidden: int) -> dict[str, str]:
    """Return in words what the best machine of so few units has learned: the one where descent of the exact KL ends."""
    hamiltonian = ising_hamiltonian(math.isqrt(FEW_SITES), temperature)
    machines = [best_machine(hamiltonian, hidden, seed) for seed in SEEDS]
    best = min(machines, key=lambda machine: mapping_of(machine, hamiltonian).divergence)
    words = f"the best machine of {hidden} units, by exact descent"
    return {name: f"{value:.4g}: {words}" for name, value in learned(best, *effective_couplings_of(best)).items()}


def _conclusion(cases: Sequence[CouplingCase], tables: Sequence[xr.Dataset]) -> str:
    """Return in words how much of the Ising model's coupling trained machines have, of those that may have it."""
    found = {
        case.label: float(table["nearest"].isel({SNAPSHOT: -1}).mean()) * case.temperature
        for case, table in zip(cases, tables, strict=True)
        if case.trained and case.temperature is not None and _known(table)
    }
    if not found:
        return ""
    low, high = min(found, key=lambda name: found[name]), max(found, key=lambda name: found[name])
    return (
        "Between nearest neighbours trained machines have "
        f"{found[low]:.0%} ({low}) to {found[high]:.0%} ({high}) of the Ising model's coupling 1/T."
    )


def _exact(case: CouplingCase, name: str) -> str:
    """Return what a machine has whose p(v) is the Ising model's: nothing is known of the others, nor of their W."""
    if case.temperature is None:
        return ""
    return f"1/T = {1 / case.temperature:.4f}" if name == "nearest" else PERFECT.get(name, "")


def _alike(visible: int) -> dict[str, float]:
    """Return share and range of a coupling that is the same between all sites of a torus."""
    squares = torus_distances(math.isqrt(visible)) ** 2
    return {"share_beyond": 1 - 4 / (visible - 1), "range": math.sqrt(squares.sum() / (visible - 1))}


def _remark(case: CouplingCase, table: xr.Dataset, name: str, value: float) -> str:
    """Return what else is to be said of a number: how much of 1/T it is, how it scatters, what there was before."""
    end, parts = table.isel({SNAPSHOT: -1}), []
    if name == "nearest":
        if case.temperature is not None:
            parts.append(f"{value * case.temperature:.3g} of 1/T")
        parts.append(f"s.d. over bonds {float(end['nearest_spread'].mean()):.2g}")
    if name in ("share_beyond", "range"):
        parts.append(f"{_alike(case.visible)[name]:.4g} where all pairs of sites are coupled alike")
    if name == "largest_singular_value" and case.trained:
        edge = case.largest_at_start
        beyond = float((end["singular_value"] > edge).sum("rank").mean())
        parts.append(f"{edge:.3g} before training, and {beyond:.3g} of {end.sizes['rank']} are beyond that")
    if bool(end["nearest"].isnull().any()):
        parts.append(f"{int(end['nearest'].isnull().sum())} of {end.sizes[REALISATION]} {RAN_AWAY}")
    if end.sizes[REALISATION] > 1:
        parts.append(f"the trainings: {', '.join(f'{one:.3g}' for one in end[name].values)}")
    return "; ".join(parts)
