"""Appendix B: what the mapping of Mehta and Schwab says, on machines that are small enough to enumerate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.enumerated_machines import LARGEST, MachineCase, machine_cases
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.exact.enumeration import Floats
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE
from sweep.analysis.exact.kadanoff import INTERACTIONS, kadanoff_curves
from sweep.analysis.exhibits.appendix_b_argument import Findings, argument, findings, perfect_free_energy_difference
from sweep.analysis.exhibits.appendix_b_drawing import (
    WORDS,
    draw_couplings,
    draw_identity,
    draw_least_spreads,
    draw_product,
    draw_trainings,
)
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.style import below_legend, new_figure

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, np.inf)  # λ of Kadanoff's operator


def appendix_b(tree: xr.DataTree) -> Exhibit | Absent:
    """Return the mapping as trainings go on, the counterexample and Kadanoff's operator, with the paper's argument."""
    title = "Appendix B: is a trained machine a step of the renormalization group?"
    cases = machine_cases(tree)
    if not cases:
        wanted = f"3×3 or 4×4 spins, {LARGEST} hidden units or fewer, snapshots, and data of a single temperature"
        return Absent(title, f"no completed stage of the kernel rbm that has {wanted}")
    tables = [case.mappings() for case in cases]
    found = [findings(case, table) for case, table in zip(cases, tables, strict=True)]
    closest = min(range(len(cases)), key=lambda place: float(found[place].end["spread"]))
    curves = kadanoff_curves(STRENGTHS, CRITICAL_TEMPERATURE)
    caption = (
        "Exact sums over all configurations. (a) How far Tr_h exp(T) is from being the same for all data: 0 only where "
        "training is perfect. Thin: single trainings; dashed: the best machines of so many units. (b) The identity, "
        f"for one training of {cases[closest].label}. (c) What hidden units know of the data; p̃ has the same "
        "marginals, and they know nothing. (d) Kadanoff's operator, 4×4 to 2×2 spins at T_c: "
        "coefficients of H^RG, which are minus the paper's K̃; dotted: majority, λ = ∞."
    )
    rows = [row for parts in zip(cases, tables, found, strict=True) for row in _rows(*parts)]
    return Exhibit(
        "appendix-b",
        title,
        caption,
        _figure(cases, tables, found, closest, curves),
        _numbers(cases, tables, curves),
        (*rows, _identity_row(found), _perfect_row(cases[closest]), *_kadanoff_rows(curves)),
        argument(cases[closest], found[closest], curves),
        conclusion=_conclusion(cases[closest], found[closest]),
    )


def _conclusion(case: MachineCase, found: Findings) -> str:
    return (
        f"The training that comes nearest to an RG step, {case.label}, leaves ln Tr_h exp(T) with a standard deviation "
        f"of {float(found.end['spread']):.2g} over the data, where an RG step has 0, and {case.hidden} units could "
        f"come to {found.best[0].spread:.2g}."
    )


def _figure(
    cases: Sequence[MachineCase],
    tables: Sequence[xr.Dataset],
    found: Sequence[Findings],
    closest: int,
    curves: Mapping[str, Floats],
) -> Figure:
    figure, panels = new_figure(2, rows=2)
    draw_trainings(panels[0], "spread", cases, tables)
    draw_least_spreads(panels[0], {case.hidden: one.best[0].spread for case, one in zip(cases, found, strict=True)})
    draw_identity(panels[1], tables[closest])
    draw_trainings(panels[2], "information", cases, tables)
    draw_product(panels[2])
    draw_couplings(panels[3], STRENGTHS, curves)
    for panel, letter in zip(panels, "abcd", strict=True):
        panel.set_title(f"({letter})", loc="left")
    below_legend(figure, panels[0])
    return figure


def _numbers(cases: Sequence[MachineCase], tables: Sequence[xr.Dataset], curves: Mapping[str, Floats]) -> xr.Dataset:
    """Return what is drawn, one number a row: quantities of trainings by step, couplings by λ."""
    frames = [table.to_dataframe().reset_index() for table in tables]
    trainings = pd.concat([frame.assign(case=case.label) for case, frame in zip(cases, frames, strict=True)])
    operators = pd.DataFrame({"case": "Kadanoff's operator", "strength": STRENGTHS, **curves})
    melted = [trainings.melt(["case", REALISATION, "snapshot"], var_name="quantity")]
    both = pd.concat([*melted, operators.melt(["case", "strength"], var_name="quantity")])
    return xr.Dataset.from_dataframe(both.reset_index(drop=True).rename_axis("number"))


def _rows(case: MachineCase, table: xr.Dataset, found: Findings) -> Iterator[Row]:
    where = f"after {int(table['snapshot'][-1])} steps ({case.label}, T = {case.temperature:.4g})"
    yield _row("spread", where, table, "0, for perfect training only", f"{found.best[0].spread:.2g}: {_best(case)}")
    yield _row("divergence", where, table, "", f"{found.best[0].divergence:.2g}: {_best(case)}")
    yield _row("information", where, table, "", "0 for p̃ = p(v)p(h), which has the same marginals")


def _best(case: MachineCase) -> str:
    return f"the best of {case.hidden} units, by exact descent"


def _row(name: str, where: str, table: xr.Dataset, paper: str, exact: str) -> Row:
    """Return the row of a quantity of `Mapping` at the end of the training."""
    mean = mean_and_error(table[name], REALISATION)
    first, last = mean.isel(snapshot=0), mean.isel(snapshot=-1)
    each = ", ".join(f"{value:.3g}" for value in table[name].isel(snapshot=-1).values)
    remark = f"{float(first['value']):.3g} after {int(first['snapshot'])} steps; the trainings: {each}"
    return Row(f"{WORDS[name]} {where}", float(last["value"]), float(last["error"]), paper, exact, remark)


def _identity_row(found: Sequence[Findings]) -> Row:
    words = "largest |KL + ΔF + ⟨ln Tr_h exp(T)⟩| of all small machines, trainings and snapshots"
    return Row(words, max(one.identity for one in found), np.nan, "", "0")


def _perfect_row(case: MachineCase) -> Row:
    value = perfect_free_energy_difference(case.size, case.temperature)
    words = (
        f"ΔF of a perfect machine: a hidden unit for each bond ({case.size}×{case.size}, T = {case.temperature:.4g})"
    )
    exact = f"−2L²(ln 2 + 1/T) = {-2 * case.size**2 * (np.log(2) + 1 / case.temperature):.4f}"
    return Row(words, value, np.nan, "the least ΔF is sought", exact, "ΔF does not say how good a machine is")


def _kadanoff_rows(curves: Mapping[str, Floats]) -> Iterator[Row]:
    for name in INTERACTIONS:
        words = f"H^RG of majority, 4×4 to 2×2 spins at T_c: coefficient, {name}"
        yield Row(words, float(curves[name][-1]), np.nan, "", f"the paper's K̃ is {-curves[name][-1]:.6f}")
