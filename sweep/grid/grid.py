"""The grid: kernels mapped over named axes, every label known and every point's parameters checked."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np

from sweep.errors import Problem, SweepError, brief, reason
from sweep.grid.axes import Label, Labels, canonical, kind_of
from sweep.grid.dependences import dependences
from sweep.grid.identity import point_key
from sweep.grid.parameters import bounds_of, computed_of, fields_of
from sweep.grid.resources import ONE_CORE, Resources
from sweep.kernels.contract import Bounds, Kernel, Output

Answer = TypeVar("Answer")


def at_point(point: Mapping[str, Label]) -> str:
    """Return where a point is, to be put behind what happens there."""
    return f" (at {', '.join(f'{axis} {brief(label)}' for axis, label in point.items())})" if point else ""


@dataclass(frozen=True)
class Input:
    """What a stage reads from an earlier stage.

    Parameters
    ----------
    source : Stage
        The stage that is read.
    axes : mapping of str to labels
        The axes of that stage and those of their labels that are read.
    dropped : frozenset of str
        Axes selected by a single label, which the kernel does not see: not even one that the stage which reads has too.
    """

    source: Stage
    axes: Mapping[str, Labels]
    dropped: frozenset[str] = frozenset()
    _outputs: dict[Labels, Mapping[str, Output]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def stage(self) -> str:
        """Return the name of the stage that is read."""
        return self.source.name

    @property
    def joined(self) -> frozenset[str]:
        """Return the axes of that stage that are matched by label where the stage which reads has them."""
        return frozenset(self.axes) - self.dropped

    def at(self, point: Mapping[str, Label]) -> dict[str, Labels]:
        """Return the labels that a point reads, by axis of that stage."""
        return {
            axis: (point[axis],) if axis in point and axis in self.joined else labels
            for axis, labels in self.axes.items()
        }

    def labels(self, name: str, point: Mapping[str, Label]) -> Labels:
        """Return the labels that a point reads along an axis, or along an inner dimension."""
        if name in self.axes:
            return self.at(point)[name]
        coords = (output.coords for output in self.outputs(point).values())
        return next(tuple(labels[name].tolist()) for labels in coords if name in labels)

    def outputs(self, point: Mapping[str, Label]) -> Mapping[str, Output]:
        """Return what the stage that is read gives to a point: at its labels, and the first of every other axis."""
        read = self.at(point)
        labels = tuple(read[axis][0] for axis in self.source.axes)
        if labels not in self._outputs:
            there = dict(zip(self.source.axes, labels, strict=True))
            self._outputs[labels] = self.source.ask(self.source.kernel.outputs, there)
        return self._outputs[labels]


@dataclass(frozen=True)
class Stage:
    """A kernel mapped over named axes, reading zero or more earlier stages.

    Parameters
    ----------
    reference : str
        The kernel as the grid names it.
    axes : mapping of str to labels
        Labels as they were written, in the order of the file.
    params : mapping
        The parameters that are the same at every point, defaults left out.
    resources : Resources
        What one task of this stage takes of a machine.
    packages : frozenset of str
        What the kernel requires at any of the points; see `Kernel.requires`.
    """

    name: str
    reference: str
    kernel: Kernel[Any]
    axes: Mapping[str, Labels]
    params: Mapping[str, Any]
    inputs: Mapping[str, Input]
    resources: Resources = ONE_CORE
    packages: frozenset[str] = frozenset()

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of labels on every axis."""
        return tuple(len(labels) for labels in self.axes.values())

    @cached_property
    def parameter_names(self) -> frozenset[str]:
        """Return the names of the kernel's parameters."""
        return frozenset(fields_of(self.kernel.params))

    @property
    def first(self) -> dict[str, Label]:
        """Return the labels of the first point."""
        return {axis: labels[0] for axis, labels in self.axes.items()}

    @cached_property
    def dependences(self) -> dict[str, tuple[str, ...]]:
        """Return, for every output, the axes that its inner shape or inner labels depend on."""
        return dependences(self)

    def bounds(self, axis: str) -> Bounds:
        """Return meaning and units of an axis: those of the parameter that it sets, here or in the stage it joins."""
        if axis in self.parameter_names:
            return bounds_of(fields_of(self.kernel.params)[axis])
        joined = (item.source.bounds(axis) for item in self.inputs.values() if axis in item.joined)
        return next(joined, Bounds("independent realisation, another random stream"))

    def kind(self, axis: str) -> type:
        """Return the type of the labels of an axis."""
        return kind_of(self.axes[axis])

    def points(self) -> Iterator[dict[str, Label]]:
        """Yield the labels of every point, the last axis fastest."""
        for labels in itertools.product(*self.axes.values()):
            yield dict(zip(self.axes, labels, strict=True))

    def params_at(self, point: Mapping[str, Label]) -> Any:
        """Return the kernel's parameters at one point."""
        own = {name: label for name, label in point.items() if name in self.parameter_names}
        return self.kernel.params(**{**self.params, **self._filled(point), **own})

    def ask(self, question: Callable[[Any], Answer], point: Mapping[str, Label]) -> Answer:
        """Return what the kernel foresees at one point: its outputs, its blocks, its cost.

        Raises
        ------
        SweepError
            When it raises instead.
        """
        try:
            return question(self.params_at(point))
        except Exception as error:
            what = f"kernel {self.kernel.name} cannot say what it does: {reason(error)}{at_point(point)}"
            raise SweepError(Problem(f"stages.{self.name}", what)) from error

    def work_at(self, point: Mapping[str, Label]) -> Work:
        """Return how much work a point is; raises SweepError where what the kernel says makes no sense."""
        kernel = self.kernel
        blocks, cost, work = self.ask(lambda params: (kernel.blocks(params), *of_a_block(kernel, params)), point)
        problem = next(work_problems(blocks, cost, work), None)
        if problem is not None:
            what = f"kernel {kernel.name}: {problem}{at_point(point)}"
            raise SweepError(Problem(f"stages.{self.name}", what))
        return Work(int(blocks), float(cost), 1.0 if work is None else int(blocks) * float(work))

    def _filled(self, point: Mapping[str, Label]) -> dict[str, tuple[Any, ...]]:
        """Return the parameters that are filled with labels and shapes of what is read."""
        labels = {name: self.inputs[of].labels(along, point) for name, (of, along) in self.kernel.labels.items()}
        shapes = {
            name: self.inputs[of].outputs(point)[variable].shape for name, (of, variable) in self.kernel.shapes.items()
        }
        return {**labels, **shapes}

    def key_at(self, point: Mapping[str, Label]) -> str:
        """Return the key that names the point's randomness and checkpoint.

        What the grid gives counts to 12 digits, as the labels do; a default is what the kernel says.
        """
        given = {*self.params, *self.kernel.labels, *point}
        values = computed_of(self.params_at(point)).items()
        fixed = ((name, value) for name, value in values if name not in self.kernel.shapes)
        params = {name: canonical(value) if name in given else value for name, value in fixed}
        return point_key(self.name, self.kernel.name, params, {axis: canonical(label) for axis, label in point.items()})


class Work(NamedTuple):
    """How much work a point is.

    Parameters
    ----------
    blocks : int
    cost : float
        Seconds of a block on one core, as the kernel says.
    amount : float
        What all blocks do together of what the kernel counts; 1, the point, where it counts nothing.
    """

    blocks: int
    cost: float
    amount: float


@dataclass(frozen=True)
class Grid:
    """A grid file, read and checked.

    Parameters
    ----------
    text : str
        The file as YAML, overrides included; kept in the store.
    path : str, optional
        Where the file is.
    stages : mapping of str to Stage
        Every stage after the stages that it reads.
    notes : tuple of str
        What is right and may be meant otherwise, each in a line for the user.
    """

    name: str
    seed: int
    stages: Mapping[str, Stage]
    text: str
    path: str | None = None
    notes: tuple[str, ...] = ()


def of_a_block(kernel: Kernel[Any], params: Any) -> tuple[float, float | None]:
    """Return the seconds of one block and what it does, None where the kernel counts nothing."""
    return kernel.cost(params), None if kernel.work is None else kernel.work(params)


def work_problems(blocks: object, cost: object, work: object = None) -> Iterator[str]:
    """Yield what is wrong with the number of blocks, the seconds of one, and what it does."""
    if isinstance(blocks, bool) or not isinstance(blocks, int | np.integer) or blocks < 1:
        yield f"blocks is {brief(blocks)}; wanted a whole number, 1 or more"
    elif blocks >= 2**31:
        yield f"found {brief(blocks)} blocks; wanted fewer than 2**31"
    counted = [] if work is None else [("work", work, "a number")]
    for name, value, wanted in [("cost", cost, "seconds"), *counted]:
        if not isinstance(value, numbers.Real) or not math.isfinite(value) or value < 0:
            yield f"{name} is {brief(value)}; wanted {wanted}, 0 or more"
