"""A page for any stage, whatever its kernel: every output against every axis, or against the steps of a training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sweep.analysis.estimators.chains import MIXED, Mixing, mixing
from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import settings
from sweep.analysis.estimators.statistics import mean_and_error
from sweep.analysis.exhibits.exhibit import Absent, Exhibit, Row
from sweep.analysis.exhibits.flow_drawing import COLORS, MARKERS
from sweep.analysis.exhibits.style import above_legend, label_of, new_figure, units_of

COPIES = (REALISATION, "replica")  # dimensions of independent repetitions
STEP = "step"  # of a training, along which its tracks go
DRAW = "sample"  # of what a chain draws one after the other
OUTPUTS, COLUMNS, LINES, ROWS = 8, 3, 6, 200  # that are shown; the CSV has all
WORDS, LETTERS = 20, 24  # along an axis of words: labels, and letters of one, or of all side by side
PROGRESS = ("blocks", "computed_by")


def stage_exhibit(tree: xr.DataTree, name: str) -> Exhibit | Absent:
    """Return the outputs of a stage: means over all that is inside a point, with errors over independent repetitions.

    Parameters
    ----------
    tree : DataTree
    name : str
        Of the stage.
    """
    stage = tree.children[name]
    title = f"{name}: {stage.attrs.get('description') or stage.attrs['kernel']}"
    frame = pd.DataFrame(_numbers(stage))
    if frame.empty:
        what = "has no outputs" if stage["done"].any() else "has no point that is complete"
        return Absent(title, f"the stage {name} {what}")
    nodes = [node.to_dataset() for node in stage.subtree]
    units = {str(key): units_of(node[key]) for node in nodes for key in node.coords}
    units |= dict(zip(frame["output"], frame["units"], strict=True))
    axes = [str(dim) for dim in stage["done"].dims if dim != REALISATION]
    outputs = list(dict.fromkeys(frame["output"]))
    figure = _figure(frame, axes, outputs[:OUTPUTS], units)
    caption = (
        "Mean over the numbers inside a point, with one standard error over realisations and replicas where there are "
        "two or more; each realisation or replica by itself as a dot. Tracks of trainings go along their steps. Of "
        "outputs along samples only, the table has R-hat (rank-normalised, split), bulk effective sample size and "
        "autocorrelation time, as ArviZ defines them, of the samples in their order."
        f"{_left_out(frame, axes, outputs)}"
    )
    rows = tuple(_rows(frame[frame[STEP].isna()], axes, units))[:ROWS]
    numbers = xr.Dataset.from_dataframe(frame.drop(columns="each").rename_axis("number"))
    for axis in axes:
        numbers[axis].attrs["units"] = units.get(axis, "")
    return Exhibit(f"stage-{name}", title, caption, figure, numbers, rows)


def _varied(frame: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """Return the axes along which there is something to see."""
    return [axis for axis in axes if frame[axis].nunique() > 1]


def _left_out(frame: pd.DataFrame, axes: Sequence[str], outputs: Sequence[str]) -> str:
    """Return in words what the figure, or the table, does not have."""
    varied = _varied(frame, axes)
    single = ", ".join(f"{axis} {_label(frame[axis].iloc[0])}" for axis in axes if axis not in varied)
    places = frame.groupby(axes).ngroups if axes else 1
    curves = max([places // frame[axis].nunique() for axis in varied], default=1)
    rows = int(frame[STEP].isna().sum())
    parts = [
        f" All at {single}." if single else "",
        f" Panels: the first {OUTPUTS} of {len(outputs)} outputs." if len(outputs) > OUTPUTS else "",
        f" Along {', '.join(varied[COLUMNS:])} there are no panels." if len(varied) > COLUMNS else "",
        f" Curves: the first {LINES} of up to {curves} in a panel." if curves > LINES else "",
        f" Table: the first {ROWS} of {rows} rows." if rows > ROWS else "",
    ]
    return "".join(parts) + (" The CSV has all." if any(parts[1:]) else "")


def _numbers(stage: xr.DataTree) -> Iterator[dict[str, Any]]:
    """Yield every number: of which output, at which place of the axes, and at which step where it is of a track."""
    for at, data in settings(stage):
        outputs = data.drop_vars(PROGRESS, errors="ignore").data_vars
        for output, values in itertools.chain.from_iterable(map(_real, outputs.values())):
            mixed = _mixing(values)._asdict()
            for step, each in _by_step(values.astype(float)):
                found = mean_and_error(xr.DataArray(each, dims="copy"), "copy")
                mean = {key: float(found[key]) for key in ("value", "error")}
                what = {"output": output, "units": units_of(values), STEP: step}
                yield {**at, **what, **mean, "copies": len(each), "each": each, **mixed}


def _real(values: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield an output by its name, a complex one as two."""
    if values.dtype.kind == "c":
        yield f"{values.name}, real part", values.real.assign_attrs(values.attrs)
        yield f"{values.name}, imaginary part", values.imag.assign_attrs(values.attrs)
    elif values.dtype.kind in "biuf":
        yield str(values.name), values


def _mixing(values: xr.DataArray) -> Mixing:
    """Return how well the chains of an output have mixed; NaN where its samples are no single numbers."""
    if DRAW not in values.dims or not {*values.dims} <= {DRAW, *COPIES}:
        return mixing(np.empty((1, 0)))
    draws = values.transpose(..., DRAW)
    return mixing(np.reshape(np.asarray(draws, np.float64), (-1, draws.sizes[DRAW])))


def _by_step(values: xr.DataArray) -> Iterator[tuple[float, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Yield the means of the independent copies of an output, by step where it has one; else the step is NaN."""
    copies = [dim for dim in COPIES if dim in values.dims]
    along = [dim for dim in (STEP,) if dim in values.dims]
    mean = values.mean([dim for dim in values.dims if dim not in (*copies, *along)])
    if not along:
        yield np.nan, np.ravel(mean.values)
        return
    for place, step in enumerate(np.asarray(values[STEP] if STEP in values.coords else np.arange(values.sizes[STEP]))):
        yield float(step), np.ravel(mean.isel({STEP: place}).values)


def _figure(frame: pd.DataFrame, axes: Sequence[str], outputs: Sequence[str], units: dict[str, str]) -> Figure:
    varied = _varied(frame, axes)
    columns = (varied or list(axes))[:COLUMNS] or [""]
    figure, panels = new_figure(len(columns), height=3.0, rows=len(outputs))
    explained = set[int]()
    with_places = frame[frame[STEP].isna() & np.isfinite(frame["value"])]["output"].unique()
    lowest = [output for output in outputs if output in with_places][-1:]
    for row, output in enumerate(outputs):
        own = frame[frame["output"] == output]
        track = bool(own[STEP].notna().any())
        for column, axis in enumerate(columns):
            panel = panels[row * len(columns) + column]
            if track and column > 0:
                panel.set_axis_off()
                continue
            along = STEP if track else axis
            _draw(panel, own, along, [name for name in varied if name != along])
            if column not in explained and panel.get_legend_handles_labels()[0]:  # the same in every row
                explained.add(column)
                above_legend(panel, columns=1 if len(columns) > 1 else 2)
            if output not in lowest and axis and not pd.api.types.is_numeric_dtype(frame[axis]):
                panel.tick_params(labelbottom=track)  # words stand once, below the lowest panel
            panel.set(xlabel=label_of(along, units.get(along, "")), ylabel=label_of(output, units.get(output, "")))
    return figure


def _draw(panel: Axes, own: pd.DataFrame, along: str, others: Sequence[str]) -> None:
    """Draw an output along an axis, one curve for each place in the other axes."""
    if not np.isfinite(own["value"]).any():
        panel.text(0.5, 0.5, "no point has a number", ha="center", transform=panel.transAxes)
        panel.set(xticks=[], yticks=[])
        return
    if not along:
        panel.set_xticks([])
    names = _named(panel, own[along]) if along and not pd.api.types.is_numeric_dtype(own[along]) else None
    groups = own.groupby(list(others), sort=True) if others else [((), own)]
    for number, (place, curve) in enumerate(groups):
        if number == LINES:
            break
        words = ", ".join(f"{name} {_shown(label)}" for name, label in zip(others, place, strict=True))
        x = curve[along] if along else pd.Series(0, curve.index)
        numeric = x.map(names) if names else x
        form: dict[str, Any] = {"fmt": MARKERS[number] + ("-" if along == STEP else ""), "color": COLORS[number]}
        form |= {"ms": 4, "mfc": "white", "capsize": 2, "lw": 0.8, "label": words or None}
        panel.errorbar(numeric, curve["value"], curve["error"], **form)
        if not names and pd.api.types.is_integer_dtype(x):
            panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        for at, each in zip(numeric, curve["each"], strict=True):
            panel.plot([at] * len(each), each, ".", ms=2, color=COLORS[number], alpha=0.6)


def _named(panel: Axes, labels: pd.Series[Any]) -> dict[Any, int]:
    """Name the places along an axis of words, as many as there is room for; return the place of each label."""
    places = {label: place for place, label in enumerate(labels.unique())}
    words = [_shown(label) for label in places]
    shown = slice(None, None, -(-len(words) // WORDS))
    panel.set_xticks(list(places.values())[shown], words[shown])
    panel.set_xlim(-0.5, len(words) - 0.5)
    if sum(map(len, words[shown])) > LETTERS:
        panel.tick_params(axis="x", rotation=90)
    return places


def _label(label: object) -> str:
    return f"{label:.6g}" if isinstance(label, float) else str(label)


def _shown(label: object) -> str:
    """Return a label as a figure shows it, where dollars would begin mathematics: a long one is cut."""
    words = _label(label)
    return (words if len(words) <= LETTERS else f"{words[:LETTERS]}...").replace("$", r"\$")


def _rows(frame: pd.DataFrame, axes: Sequence[str], units: dict[str, str]) -> Iterator[Row]:
    for _, one in frame.iterrows():
        where = ", ".join(f"{axis} {_label(one[axis])}" for axis in axes)
        quantity = f"{label_of(one['output'], units.get(one['output'], ''))}{f' at {where}' if where else ''}"
        remark = f"{one['copies']} copies" if one["copies"] > 1 else "one copy: no error"
        without = int(np.isnan(one["each"]).sum())
        remark += f", {without} without a number" if without else ""
        mixed = _mixing_words(Mixing(*(one[name] for name in Mixing._fields)))
        yield Row(quantity, float(one["value"]), float(one["error"]), "", "", f"{remark}{mixed}")


def _mixing_words(found: Mixing) -> str:
    """Return what the chains of a row say of themselves."""
    if not np.isfinite(found.r_hat):
        return ""
    doubt = f", above {MIXED}: more samples would tell whether the chains have mixed" if found.r_hat > MIXED else ""
    return (
        f"; samples worth {found.effective:.0f} independent ones, autocorrelation time"
        f" {found.autocorrelation_time:.3g} samples, R-hat {found.r_hat:.3f}{doubt}"
    )
