"""Two stores, setting by setting: whether they are the same, else by how many standard errors they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import stdtr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import dataset_at, mapping
from sweep.analysis.estimators.statistics import mean_and_error

COPIES = (REALISATION, "replica")  # dimensions of independent repetitions
STEP = "step"  # of a training, along which its tracks go
FALSE_ALARM = 1e-3
"""How often two stores of one distribution, with random numbers of their own, are said to differ."""


@dataclass(frozen=True)
class Compared:
    """One output of a stage, at all points that are done in both stores.

    Parameters
    ----------
    points, other : int
        Points that were compared, and those of them that have other bits. None where only one of the two has it, or
        with other dimensions.
    whole : bool
        Whether lengths, labels and type are the same in both; else what they have in common was compared.
    means : int
        Means with an error bar that are not the same bits.
    largest : float
        The largest difference of two such means, in standard errors; NaN when there are none.
    chance : float
        How likely the largest of so many differences is as large, or larger, by chance.
    """

    points: int
    other: int
    whole: bool
    means: int
    largest: float
    chance: float


@dataclass(frozen=True)
class StageComparison:
    """One stage of two stores.

    Parameters
    ----------
    both, only_first, only_second : int
        Points that are done in both stores, and in one of them only.
    variables : mapping of str to Compared
    notes : tuple of str
        Labels that only one of the two has, and how they were asked for otherwise.
    reads : tuple of str
        The stages that it reads.
    """

    both: int
    only_first: int
    only_second: int
    variables: Mapping[str, Compared]
    notes: tuple[str, ...]
    reads: tuple[str, ...]

    @property
    def same_bits(self) -> bool:
        """Return whether all that both have is the same."""
        return not any(found.other for found in self.variables.values())


@dataclass(frozen=True)
class Comparison:
    """What `compare_trees` found.

    Parameters
    ----------
    stages : mapping of str to StageComparison
        Those that both stores have.
    only_first, only_second : tuple of str
        Stages that one of the two has.
    """

    stages: Mapping[str, StageComparison]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Return whether both have the same stages, points that are done, and bits."""
        one_sided = any(stage.only_first or stage.only_second for stage in self.stages.values())
        cut = any(not found.whole for stage in self.stages.values() for found in stage.variables.values())
        same = all(stage.same_bits for stage in self.stages.values())
        return same and not (cut or one_sided or self.only_first or self.only_second)

    def judged(self, name: str) -> bool:
        """Return whether a stage reads the same in both, so that errors over copies hold all that is random in it.

        Copies that read the same configurations scatter less than those that read others.
        """
        return all(one in self.stages and self.stages[one].same_bits for one in self.stages[name].reads)

    @property
    def differing(self) -> tuple[tuple[str, str], ...]:
        """Return the stages and variables that differ by more than chance, with `FALSE_ALARM` for all together."""
        tested = {
            (name, variable): found.chance
            for name, stage in self.stages.items()
            for variable, found in stage.variables.items()
            if found.means and self.judged(name)
        }
        return tuple(where for where, chance in tested.items() if chance * len(tested) < FALSE_ALARM)


def compare_trees(first: xr.DataTree, second: xr.DataTree) -> Comparison:
    """Return how two stores differ, in what both have: stages, points that are done, labels.

    Means over what is inside a point are compared where they have an error over independent copies, realisations and
    replicas, by Welch's test (B. L. Welch, Biometrika 34, 28 (1947)). Stores that share their random numbers differ by
    less than it expects. Of a stage that reads other bits the differences are told, and not judged.

    Parameters
    ----------
    first, second : DataTree
        Opened with ``mask_and_scale=False``, so that bits are those of the store.
    """
    both = [name for name in first.children if name in second.children]
    return Comparison(
        {name: _compare_stage(first.children[name], second.children[name]) for name in both},
        tuple(name for name in first.children if name not in both),
        tuple(name for name in second.children if name not in both),
    )


def _compare_stage(first: xr.DataTree, second: xr.DataTree) -> StageComparison:
    notes, reads = tuple(_otherwise(first, second)), tuple(mapping(first.attrs, "inputs").values())
    done, done_second = (stage.to_dataset()["done"].load().astype(bool) for stage in (first, second))
    all_first, all_second = int(done.sum()), int(done_second.sum())
    if set(done.dims) != set(done_second.dims):
        return StageComparison(0, all_first, all_second, {}, notes, reads)
    done, done_second = xr.align(done, done_second.transpose(*done.dims), join="inner")
    both = done & done_second
    pieces: dict[str, list[_Piece]] = {}
    for at, chosen in _settings(both):
        one, other = (dataset_at(stage, at).sel(chosen) for stage in (first, second))
        for name in dict.fromkeys((*one.data_vars, *other.data_vars)):
            if name != "computed_by":
                pieces.setdefault(str(name), []).append(_compare(one.get(name), other.get(name)))
    compared = {name: _together(found) for name, found in pieces.items()}
    here = int(both.sum())
    return StageComparison(here, all_first - here, all_second - here, compared, notes, reads)


def _otherwise(first: xr.DataTree, second: xr.DataTree) -> Iterator[str]:
    """Yield how two stages were asked for otherwise."""
    for name in ("kernel", "kernel_version"):
        if first.attrs.get(name) != second.attrs.get(name):
            yield f"{name.replace('_', ' ')}: {first.attrs.get(name)} and {second.attrs.get(name)}"
    for kind in ("params", "inputs"):
        one, other = mapping(first.attrs, kind), mapping(second.attrs, kind)
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                yield f"{name}: {one.get(name)} and {other.get(name)}"
    axes, others = (stage.to_dataset()["done"] for stage in (first, second))
    if set(axes.dims) != set(others.dims):
        yield f"axes: {', '.join(map(str, axes.dims))} and {', '.join(map(str, others.dims))}; nothing was compared"
        return
    for axis in axes.dims:
        labels, other_labels = axes[axis].values.tolist(), others[axis].values.tolist()
        for whose, left in (("first", set(labels) - set(other_labels)), ("second", set(other_labels) - set(labels))):
            if left:
                yield f"{axis} only in the {whose}: {_some(sorted(left))}"


def _some(labels: Sequence[Any], most: int = 6) -> str:
    words = [f"{label:.12g}" if isinstance(label, float) else str(label) for label in labels[:most]]
    return ", ".join(words) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _settings(both: xr.DataArray) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every place in the axes where points are done: its labels, and the realisations that are."""
    axes = [dim for dim in both.dims if dim != REALISATION]
    lengths = [both.sizes[dim] for dim in axes]
    for place in np.ndindex(*lengths):
        here = both.isel(dict(zip(axes, place, strict=True)))
        if here.any():
            at = {str(axis): here[axis].item() for axis in axes}
            yield at, {str(dim): here[dim].values[here.values] for dim in here.dims}


@dataclass(frozen=True)
class _Piece:
    """An output at one setting: which points have other bits, and differences of means in standard errors."""

    other: npt.NDArray[np.bool_]
    whole: bool
    errors: npt.NDArray[np.float64]
    degrees: npt.NDArray[np.float64]


NOTHING = np.empty(0)


def _compare(first: xr.DataArray | None, second: xr.DataArray | None) -> _Piece:
    if first is None or second is None or set(first.dims) != set(second.dims):
        return _Piece(np.empty(0, bool), False, NOTHING, NOTHING)
    second = second.transpose(*first.dims)
    one, two = _common(first, second)
    whole = first.dtype == second.dtype and first.shape == second.shape == one.shape
    other = _other_bits(one, two)
    if not other.any() or one.dtype.kind not in "biuf" or two.dtype.kind not in "biuf":
        return _Piece(other, whole, NOTHING, NOTHING)
    return _Piece(other, whole, *_welch(_means(one), _means(two)))


def _common(first: xr.DataArray, second: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return what two arrays have in common: labels where there are labels, else the first so many."""
    counted = {
        dim: slice(min(first.sizes[dim], second.sizes[dim]))
        for dim in first.dims
        if dim not in first.indexes or dim not in second.indexes
    }
    return xr.align(first.isel(counted).load(), second.isel(counted).load(), join="inner")


def _other_bits(first: xr.DataArray, second: xr.DataArray) -> npt.NDArray[np.bool_]:
    """Return, for each realisation, whether there are other bits."""
    last = [REALISATION] if REALISATION in first.dims else []
    one, other = (values.transpose(..., *last).values for values in (first, second))
    unlike = ~(one == other)
    if one.dtype.kind in "fc" and one.dtype == other.dtype:  # two NaNs may be the same, and two zeros not
        unlike = (_bytes(one) != _bytes(other)).any(-1)
    return np.atleast_1d(unlike.any(axis=tuple(range(unlike.ndim - len(last)))))


def _bytes(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(*values.shape, values.dtype.itemsize)


def _means(values: xr.DataArray) -> xr.Dataset:
    """Return means over what is inside a point, step by step, with errors over its copies."""
    copies = [dim for dim in COPIES if dim in values.dims]
    along = [dim for dim in (STEP,) if dim in values.dims]
    inner = [dim for dim in values.dims if dim not in (*copies, *along)]
    means = values.astype(float).mean(inner).transpose(*copies, ...).values
    table = means.reshape(math.prod(values.sizes[dim] for dim in copies), -1)
    return mean_and_error(xr.DataArray(table, dims=("copy", STEP)), "copy")


def _welch(first: xr.Dataset, second: xr.Dataset) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return differences of means in standard errors, and their degrees of freedom, where there are errors."""
    one, other = first["error"].values ** 2, second["error"].values ** 2
    apart = np.abs(first["value"].values - second["value"].values)
    known = ~np.isnan(one + other) & (apart > 0)
    one, other, apart = one[known], other[known], apart[known]
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = apart / np.sqrt(one + other)
        degrees = (one + other) ** 2 / (
            one**2 / first["degrees"].values[known] + other**2 / second["degrees"].values[known]
        )
    return errors, np.where(np.isinf(errors), 1.0, degrees)  # nothing scatters: any difference is one


def _together(pieces: Sequence[_Piece]) -> Compared:
    """Return what was found at all settings in one."""
    other = np.concatenate([piece.other for piece in pieces])
    errors = np.concatenate([piece.errors for piece in pieces])
    degrees = np.concatenate([piece.degrees for piece in pieces])
    least = float((2 * stdtr(degrees, -errors)).min(initial=1.0))
    return Compared(
        points=other.size,
        other=int(other.sum()),
        whole=all(piece.whole for piece in pieces),
        means=errors.size,
        largest=float(errors.max()) if errors.size else math.nan,
        chance=-math.expm1(errors.size * math.log1p(-least)) if least < 1 else 1.0,
    )
