"""What a kernel reads: variables of earlier stages, joined by label."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from sweep.grid.axes import Label, Labels, canonical
from sweep.grid.grid import Input
from sweep.kernels.contract import Array, Arrays, Inputs
from sweep.plan.layout import Variable
from sweep.plan.plan import Plan, StagePlan
from sweep.plan.values import as_declared
from sweep.store.store import Store

CACHE_BYTES = 2**29


class InputReader:
    """Reads the inputs of points from the store, and keeps what was read last for the next point.

    Parameters
    ----------
    plan : Plan
    store : Store
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self._kept: OrderedDict[tuple[object, ...], Arrays] = OrderedDict()

    def at(self, stage: StagePlan, point: Mapping[str, Label]) -> Inputs:
        """Return the inputs of one point of a stage, as the kernel contract describes them."""
        wanted = stage.stage.kernel.inputs
        return {name: self._input(item, wanted[name], point) for name, item in stage.stage.inputs.items()}

    def _input(self, item: Input, names: tuple[str, ...], point: Mapping[str, Label]) -> Arrays:
        labels = item.at(point)
        seen = tuple(axis for axis in labels if axis in item.joined and axis not in point)
        key = (item.stage, names, tuple(labels.items()), seen)
        if key not in self._kept:
            self._kept[key] = self._read(item.stage, names, labels, seen)
            while len(self._kept) > 1 and sum(map(_nbytes, self._kept.values())) > CACHE_BYTES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _read(
        self, source: str, names: tuple[str, ...], labels: Mapping[str, Labels], seen: tuple[str, ...]
    ) -> dict[str, Array]:
        arrays = {axis: np.array(labels[axis]) for axis in seen}
        plan = self.plan.stages[source]
        for name in names:
            variable = _variable(plan, name, labels)
            outer = {axis: labels[axis] for axis in variable.axes}
            values = as_declared(self.store.read(variable.node, name, outer), variable.output)
            shape = tuple(len(labels[axis]) for axis in plan.stage.axes if axis in seen)
            arrays[name] = values.reshape(shape + values.shape[len(outer) :])
            arrays.update({dim: np.asarray(along) for dim, along in variable.output.coords.items()})
        return arrays


def _variable(plan: StagePlan, name: str, labels: Mapping[str, Labels]) -> Variable:
    """Return the array that holds an output at these labels; axes that its shape depends on have one label each."""
    known = {axis: canonical(values) for axis, values in labels.items()}
    return next(
        variable
        for variable in plan.variables
        if variable.name == name and all(known[axis] == (canonical(label),) for axis, label in variable.at.items())
    )


def _nbytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
