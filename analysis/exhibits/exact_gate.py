"""The exact gate: what annealing and tempering say of machines, where the answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.known_machines import MachineReading, errors_off, machine_readings
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.estimators.verdict import compare, standard_errors
from sweep.analysis.exact.correlators import SIZES, spin_correlation
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import MARKERS
from sweep.analysis.exhibits.style import EXACT, OTHER, OURS, TORUS, above_legend, new_figure

COLORS = (OURS, TORUS, OTHER, "#7b5aa6")
ONE_ERROR = 0.6827  # of a normal distribution
READINGS: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "energy per site (J)": lambda ss: -(ss.isel(dy=0, dx=1) + ss.isel(dy=1, dx=0)),
    "⟨ss⟩ of the farthest sites": lambda ss: ss.isel(dy=ss.sizes["dy"] // 2, dx=ss.sizes["dx"] // 2),
    "⟨m²⟩": lambda ss: ss.mean(["dy", "dx"]),
}


def exact_gate(tree: xr.DataTree) -> Exhibit | Absent:
    """Return ln Z by annealing and averages by tempering, beside Kaufman's values and sums over all states."""
    title = "The exact gate: ln Z and samples of machines, where they are known"
    partitions = list(machine_readings(tree, "rbm_partition"))
    samples = [one for one in machine_readings(tree, "rbm_samples") if one.ising and one.ising.size in SIZES]
    if not partitions and not samples:
        return Absent(title, "no completed stage of the kernel rbm_partition, nor of rbm_samples of an Ising machine")
    figure, (left, right) = new_figure(2)
    _draw_partitions(left, partitions, samples)
    for color, marker, one in zip(COLORS, MARKERS, samples, strict=False):
        _draw_correlation(right, one, color, marker)
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(xlabel="distance along a row (sites)", ylabel="⟨ss⟩")
    if samples:
        above_legend(right, columns=1)
    caption = (
        "A machine with one hidden unit per bond is exactly the Ising model, and its ln Z is that of Kaufman plus "
        "2L²(ln 2 + K). Left: how many of their errors annealing and tempering are from the exact ln Z, of these "
        "machines and of trained ones that can be enumerated; grey: one and two errors. Right: spin correlators of "
        "tempered samples, with errors from independent ladders; lines: exact on the torus. Annealed chains lag behind "
        "near T_c, the more the larger the lattice; tempered ones do not."
    )
    rows = [*(row for one in partitions for row in _partition_rows(one)), *_enumerated_row(partitions)]
    rows += [row for one in samples for row in _sample_rows(one)]
    return Exhibit("exact-gate", title, caption, figure, _numbers(partitions, samples), tuple(rows))


def _draw_partitions(panel: Axes, partitions: Sequence[MachineReading], samples: Sequence[MachineReading]) -> None:
    for width in (2, 1):
        panel.axhspan(-width, width, color="0.5", alpha=0.12, lw=0)
    kinds = {
        "Ising machine, annealed": ([one for one in partitions if one.ising], "o", OURS),
        "Ising machine, tempered": (samples, "s", OTHER),
        "trained and enumerated, annealed": ([one for one in partitions if not one.ising], "x", TORUS),
    }
    for label, (readings, marker, color) in kinds.items():
        known = errors_off(readings)
        if known.size:
            panel.plot(known[0], known[1], marker, color=color, mfc="none", label=label)
    panel.axhline(0, color=EXACT, lw=0.8)
    panel.set(xlabel="exact ln Z", ylabel="(ln Z − exact) / error", xscale="log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(ScalarFormatter())
    panel.xaxis.set_minor_formatter(NullFormatter())
    if panel.get_legend_handles_labels()[0]:
        above_legend(panel, columns=1)


def _draw_correlation(panel: Axes, one: MachineReading, color: str, marker: str) -> None:
    exact = _exact(one).isel(dy=0)
    reach = np.arange(1, exact.size // 2 + 1)
    found = mean_and_error(one.correlation.isel(dy=0, dx=reach), "ladder")
    panel.plot(reach, exact[reach], color=color, lw=0.9)
    panel.errorbar(reach, found["value"], found["error"], fmt=marker, ms=3.5, mfc="white", color=color, label=one.label)


def _exact(one: MachineReading) -> xr.DataArray:
    """Return the exact <s_0 s_r> of an Ising machine, DataArray[dy, dx]."""
    exact = spin_correlation(one.ising.size, one.ising.temperature) if one.ising else np.empty((0, 0))
    return xr.DataArray(exact, dims=("dy", "dx"))


def _partition_rows(one: MachineReading) -> Iterator[Row]:
    """Yield the row of an Ising machine, or of trained machines that cannot be enumerated."""
    table = one.partition
    if one.ising:
        remark = f"as many chains as {float(table['degrees'][0]) + 1:.0f} of equal weight"
        yield _known_row(one, "annealed", remark)
    elif bool(table["exact"].isnull().all()):
        mean = mean_and_error(table["value"], REALISATION)
        pairs = zip(table["value"].values, table["error"].values, strict=True)
        each = ", ".join(f"{value:.2f} ± {error:.2f}" for value, error in pairs)
        words = f"ln Z of {one.label}, mean over trainings"
        yield Row(words, float(mean["value"]), float(mean["error"]), "", "", f"each: {each}")


def _known_row(one: MachineReading, way: str, remark: str = "") -> Row:
    """Return the row of ln Z of an Ising machine."""
    first = {str(name): float(values) for name, values in one.partition.isel({REALISATION: 0}).items()}
    verdict = compare(first["value"], first["error"], first["degrees"], first["exact"], "Kaufman's")
    words, exact = f"ln Z of {one.label}, {way}", f"{first['exact']:.4f}"
    return Row(words, first["value"], first["error"], "", exact, remark, verdict=verdict)


def _enumerated_row(readings: Sequence[MachineReading]) -> Iterator[Row]:
    """Yield how often an exact sum over states is within one error of annealing, over all trained machines."""
    _, off = errors_off([one for one in readings if not one.ising])
    if off.size:
        inside = float((np.abs(off) < 1).mean())
        error = float(np.sqrt(ONE_ERROR * (1 - ONE_ERROR) / off.size))
        words = f"share of {off.size} enumerated machines whose ln Z is within one error of annealing"
        yield Row(
            words, inside, error, "", f"{ONE_ERROR:.3f}", f"the farthest is {standard_errors(np.abs(off).max())} away"
        )


def _sample_rows(one: MachineReading) -> Iterator[Row]:
    found, exact = one.correlation, _exact(one)
    rates = one.data["exchange_rate"]
    mixing = f"exchanges made: {float(rates.min()):.2f} to {float(rates.max()):.2f} of those tried; "
    mixing += f"{1 / max(float(one.data['round_trips'].mean()), 1e-9):.3g} steps of a ladder between round trips"
    yield _known_row(one, "tempered")
    for words, reading in READINGS.items():
        value = mean_and_error(reading(found), "ladder")
        ours, error, degrees = (float(value[name]) for name in ("value", "error", "degrees"))
        target = float(reading(exact))
        verdict = compare(ours, error, degrees, target, "the exact value")
        yield Row(f"{words} of {one.label}, tempered", ours, error, "", f"{target:.5f}", mixing, verdict=verdict)
        mixing = ""


def _numbers(partitions: Sequence[MachineReading], samples: Sequence[MachineReading]) -> xr.Dataset:
    """Return what is drawn, one number a row."""
    frames = [
        one.partition.to_dataframe().reset_index().assign(machine=one.label, quantity="ln Z") for one in partitions
    ]
    for one in samples:
        found = mean_and_error(one.correlation.isel(dy=0), "ladder").assign(exact=_exact(one).isel(dy=0))
        table = found.isel(dx=slice(1, found.sizes["dx"] // 2 + 1)).to_dataframe().reset_index(names="distance")
        frames.append(table.assign(machine=one.label, quantity="spin correlation", distance=table["distance"] + 1))
    return xr.Dataset.from_dataframe(pd.concat(frames, ignore_index=True).rename_axis("number"))
