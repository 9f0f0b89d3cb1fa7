"""What a kernel reads: variables of earlier stages, joined by label."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sweep.grid.axes import Label, Labels, canonical
from sweep.grid.grid import Stage
from sweep.kernels.contract import Array, Arrays, Inputs
from sweep.planning.layout import Variable
from sweep.planning.plan import Plan, StagePlan
from sweep.planning.values import as_declared
from sweep.store.store import Store

CACHE_BYTES = 2**29


class Read(NamedTuple):
    """What a point reads of an earlier stage; points that read the same have the same.

    Parameters
    ----------
    stage : str
    names : tuple of str
        Variables of that stage.
    labels : tuple of (axis, labels)
        Where, along all axes of that stage.
    seen : tuple of str
        The axes among them that stand in front of the variables' own dimensions.
    """

    stage: str
    names: tuple[str, ...]
    labels: tuple[tuple[str, Labels], ...]
    seen: tuple[str, ...]


def reads(stage: Stage, point: Mapping[str, Label]) -> dict[str, Read]:
    """Return what one point of a stage reads, by the name of the input."""
    found = {}
    for name, item in stage.inputs.items():
        labels = item.at(point)
        seen = tuple(axis for axis in labels if axis in item.joined and axis not in point)
        found[name] = Read(item.stage, stage.kernel.inputs[name], tuple(labels.items()), seen)
    return found


class InputReader:
    """Reads the inputs of points from the store, and keeps what was read last for the next point.

    Parameters
    ----------
    plan : Plan
    store : Store
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self._kept: OrderedDict[Read, Arrays] = OrderedDict()

    def at(self, stage: StagePlan, point: Mapping[str, Label]) -> Inputs:
        """Return the inputs of one point of a stage, as the kernel contract describes them."""
        return {name: self._input(wanted) for name, wanted in reads(stage.stage, point).items()}

    def _input(self, wanted: Read) -> Arrays:
        if wanted not in self._kept:
            self.keep(wanted, self.read(wanted))
        self._kept.move_to_end(wanted)
        return self._kept[wanted]

    def keep(self, wanted: Read, arrays: Arrays) -> None:
        """Keep what was read, here or elsewhere, for the points that want it."""
        self._kept[wanted] = arrays
        while len(self._kept) > 1 and sum(map(_nbytes, self._kept.values())) > CACHE_BYTES:
            self._kept.popitem(last=False)

    def keeps(self, wanted: Read) -> bool:
        """Return whether it need not be read."""
        return wanted in self._kept

    def read(self, wanted: Read) -> dict[str, Array]:
        """Return what the store has: every variable, and the labels along it; none of them can be written."""
        labels, plan = dict(wanted.labels), self.plan.stages[wanted.stage]
        arrays = {axis: np.array(labels[axis]) for axis in wanted.seen}
        for name in wanted.names:
            variable = _variable(plan, name, labels)
            outer = {axis: labels[axis] for axis in variable.axes}
            values = as_declared(self.store.read(variable.node, name, outer), variable.output)
            shape = tuple(len(labels[axis]) for axis in plan.stage.axes if axis in wanted.seen)
            arrays[name] = values.reshape(shape + values.shape[len(outer) :])
            arrays.update({dim: np.asarray(along) for dim, along in variable.output.coords.items()})
        return {name: _read_only(array) for name, array in arrays.items()}

    def nbytes(self, wanted: Read) -> int:
        """Return how large its variables are, before they are read."""
        labels, plan = dict(wanted.labels), self.plan.stages[wanted.stage]
        total = 0
        for name in wanted.names:
            variable = _variable(plan, name, labels)
            shape = (*(len(labels[axis]) for axis in variable.axes), *variable.output.shape)
            total += math.prod(shape) * np.dtype(variable.output.dtype).itemsize
        return total


def _variable(plan: StagePlan, name: str, labels: Mapping[str, Labels]) -> Variable:
    """Return the array that holds an output at these labels; axes that its shape depends on have one label each."""
    known = {axis: canonical(values) for axis, values in labels.items()}
    return next(
        variable
        for variable in plan.variables
        if variable.name == name and all(known[axis] == (canonical(label),) for axis, label in variable.at.items())
    )


def _read_only(array: Array) -> Array:
    """Return a view that refuses to be changed: other points read the same."""
    view = array.view()
    view.flags.writeable = False
    return view


def _nbytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
