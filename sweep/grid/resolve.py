"""From the grid file's document to a Grid: every name looked up, every label expanded, every mistake gathered."""

from __future__ import annotations

import graphlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from sweep.errors import Problem, SweepError, brief, did_you_mean, reason
from sweep.grid.axes import Labels, as_kept, canonical, expand, is_number
from sweep.grid.file import read_form
from sweep.grid.form import GridForm, InputForm, StageForm
from sweep.grid.grid import Grid, Input, Stage, at_point
from sweep.grid.parameters import REPLICATES, axis_kind, axis_labels, coerce, fields_of, filled_of, required_of
from sweep.grid.registry import find_kernel
from sweep.grid.resources import WANTED_GPUS, are_gpus
from sweep.kernels.contract import Kernel

MOST_POINTS = 10_000_000  # of one stage; to lay out as many takes minutes


def resolve(document: Mapping[str, Any], text: str, where: str, *, of_store: bool = False) -> Grid:
    """Return the grid that a document stands for.

    Parameters
    ----------
    document : mapping
    text : str
        The document as it was read.
    where : str
        The name of the file, for messages.
    of_store : bool
        It is the text that a store keeps: a number alone on an axis is the count that it was.

    Raises
    ------
    SweepError
        With all that is wrong in it.
    """
    form, problems = read_form(document, where)
    stages: dict[str, Stage] = {}
    notes: list[str] = []
    for name in _order(form, where):
        reader = _StageReader(name, form.stages[name], f"{where}: stages.{name}", problems, notes, of_store)
        stage = reader.read(stages, form.stages)
        if stage is not None:
            stages[name] = stage
    if problems:
        raise SweepError(*problems)
    return Grid(form.name, form.seed, stages, text, notes=tuple(notes))


def _order(form: GridForm, where: str) -> list[str]:
    """Return the stages' names, each after what it reads and otherwise as in the file."""
    reads = {name: [item.stage for item in stage.inputs.values()] for name, stage in form.stages.items()}
    known = {name: [stage for stage in read if stage in form.stages] for name, read in reads.items()}
    try:
        return list(graphlib.TopologicalSorter(known).static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise SweepError(Problem(f"{where}: stages", f"inputs run in a circle: {circle}; cut it somewhere")) from error


@dataclass(frozen=True)
class _StageReader:
    """Reads one stage of the document, and gathers what is wrong in it, and what may be meant otherwise."""

    name: str
    form: StageForm
    where: str
    problems: list[Problem]
    notes: list[str]
    of_store: bool

    def wrong(self, place: str, what: object) -> None:
        self.problems.append(Problem(f"{self.where}.{place}", str(what)))

    def read(self, stages: Mapping[str, Stage], forms: Mapping[str, StageForm]) -> Stage | None:
        before = len(self.problems)
        if "/" in self.name or self.name.startswith((".", "__")) or "=" in self.name:
            self.wrong("", f"found the name {self.name!r}; wanted a plain word")
        try:
            kernel = find_kernel(self.form.kernel)
        except ValueError as error:
            self.wrong("kernel", error)
            return None
        axes = self._axes(kernel, stages)
        inputs = self._inputs(kernel, axes, stages, forms)
        params = self._params(kernel, axes)
        self._axis_names(kernel, axes, inputs)
        if len(self.problems) > before:
            return None
        axes = {name: _as_joined(name, labels, inputs) for name, labels in axes.items()}
        stage = Stage(self.name, self.form.kernel, kernel, axes, params, inputs)
        read = {name for name, _ in [*kernel.labels.values(), *kernel.shapes.values()]}
        if not read <= inputs.keys():  # what is read has mistakes of its own
            return None
        packages, gpus = self._check_points(stage)
        stage = replace(stage, resources=self.form.taken(gpus), packages=packages)
        return stage if len(self.problems) == before else None

    def _axes(self, kernel: Kernel[Any], stages: Mapping[str, Stage]) -> dict[str, Labels]:
        axes: dict[str, Labels] = {}
        for name, form in self.form.axes.items():
            try:
                self._check_number(kernel, name, form)
                if name in fields_of(kernel.params):
                    axes[name] = axis_labels(kernel.params, name, form)
                else:
                    axes[name] = expand(form, self._joined_kind(name, stages))
            except ValueError as error:
                self.wrong(f"axes.{name}", error)
        return axes

    def _joined_kind(self, axis: str, stages: Mapping[str, Stage]) -> type | None:
        """Return the type of the labels that an axis joins; those of independent repetitions are whole numbers."""
        for item in self.form.inputs.values():
            if item.stage in stages and axis in stages[item.stage].axes:
                return stages[item.stage].kind(axis)
        return int if axis == REPLICATES else None

    def _check_number(self, kernel: Kernel[Any], axis: str, form: Any) -> None:
        """Tell how a number alone is read, and refuse it where it looks like a label."""
        if not is_number(form) or axis == REPLICATES or self.of_store:
            return
        field = axis in fields_of(kernel.params)
        if isinstance(form, float) or (field and axis_kind(kernel.params, axis) is not int):
            what = f"wanted [{form}] for this one label, or {{count: 3}} for 0, 1, 2"
            raise ValueError(f"found {form} alone, which may be a label or a count; {what}")
        place = f"{self.where}.axes.{axis}"
        what = f"{brief(form)} alone is read as a count, from 0 on; write {{count: {brief(form)}}}"
        self.notes.append(f"{place}: {what}, or [{brief(form)}] for this one label")

    def _params(self, kernel: Kernel[Any], axes: Mapping[str, Labels]) -> dict[str, Any]:
        params: dict[str, Any] = {}
        fields, filled = fields_of(kernel.params), filled_of(kernel)
        for name, value in self.form.params.items():
            if name not in fields:
                self.wrong(f"params.{name}", f"no such parameter of kernel {kernel.name}; {did_you_mean(name, fields)}")
            elif name in self.form.axes:
                self.wrong(f"params.{name}", "is an axis of this stage too; keep one of the two")
            elif name in filled:
                self.wrong(f"params.{name}", f"comes from {filled[name]}; remove it")
            else:
                try:
                    params[name] = coerce(kernel.params, name, value)
                except ValueError as error:
                    self.wrong(f"params.{name}", error)
        given = {*self.form.params, *self.form.axes, *filled}
        for name in sorted(required_of(kernel.params) - given):
            self.wrong("params", f"kernel {kernel.name} needs {name!r}; give it here or make it an axis")
        return params

    def _axis_names(self, kernel: Kernel[Any], axes: Mapping[str, Labels], inputs: Mapping[str, Input]) -> None:
        joined = {axis for item in inputs.values() for axis in item.joined}
        known = {*fields_of(kernel.params), *joined, REPLICATES} - filled_of(kernel).keys()
        if len(inputs) < len(self.form.inputs):  # what is read has mistakes of its own, and may have these axes
            return
        for name in axes:
            if name not in known:
                what = f"is no parameter of kernel {kernel.name} and no axis of what it reads"
                self.wrong(f"axes.{name}", f"{what}; {did_you_mean(name, known)}")

    def _inputs(
        self,
        kernel: Kernel[Any],
        axes: Mapping[str, Labels],
        stages: Mapping[str, Stage],
        forms: Mapping[str, StageForm],
    ) -> dict[str, Input]:
        for name in self.form.inputs:
            if name not in kernel.inputs:
                hint = did_you_mean(name, kernel.inputs)
                self.wrong(f"inputs.{name}", f"kernel {kernel.name} has no such input; {hint}")
        for name in kernel.inputs:
            if name not in self.form.inputs:
                self.wrong("inputs", f"kernel {kernel.name} reads {name!r}; name the stage that it comes from")
        inputs: dict[str, Input] = {}
        for name, form in self.form.inputs.items():
            if form.stage not in forms:
                self.wrong(
                    f"inputs.{name}", f"no stage {form.stage!r}; {did_you_mean(form.stage, set(forms) - {self.name})}"
                )
            elif form.stage in stages and name in kernel.inputs:
                self._check_offers(kernel, name, stages[form.stage])
                inputs[name] = self._select(name, form, axes, stages[form.stage])
        return inputs

    def _check_offers(self, kernel: Kernel[Any], name: str, source: Stage) -> None:
        """Check that a stage gives what the kernel reads, and the labels that fill its parameters."""
        try:
            offered = source.ask(source.kernel.outputs, next(source.points()))
        except SweepError as error:
            self.wrong(f"inputs.{name}", error)
            return
        inner: set[str] = set()
        for variable in kernel.inputs[name]:
            if variable not in offered:
                hint = did_you_mean(variable, offered)
                self.wrong(f"inputs.{name}", f"stage {source.name!r} gives no {variable!r}; {hint}")
            else:
                inner |= offered[variable].coords.keys()
        for parameter, (input_name, dim) in kernel.labels.items():
            if input_name == name and dim not in source.axes and dim not in inner:
                what = f"has no axis {dim!r}, which gives kernel {kernel.name} its {parameter!r}"
                self.wrong(f"inputs.{name}", what)

    def _select(self, name: str, form: InputForm, axes: Mapping[str, Labels], source: Stage) -> Input:
        """Return what is read: one label where one is selected, an axis that both stages have by its labels, or all."""
        read = dict(source.axes)
        dropped = set()
        for axis, selection in form.select.items():
            place = f"inputs.{name}.select.{axis}"
            if axis not in source.axes:
                self.wrong(place, f"stage {source.name!r} has no such axis; {did_you_mean(axis, source.axes)}")
                continue
            one = isinstance(selection, int | float | str)
            try:
                labels = expand([selection] if one else selection, source.kind(axis))
            except ValueError as error:
                self.wrong(place, error)
                continue
            self._made(place, axis, labels, source)
            chosen = set(map(canonical, labels))
            read[axis] = tuple(label for label in source.axes[axis] if canonical(label) in chosen)
            if one:
                dropped.add(axis)
        for axis in (set(read) & set(axes)) - dropped:
            self._made(f"axes.{axis}", axis, axes[axis], source, read[axis])
        return Input(source, read, frozenset(dropped))

    def _made(self, place: str, axis: str, labels: Labels, source: Stage, made: Labels | None = None) -> None:
        there = set(map(canonical, source.axes[axis] if made is None else made))
        missing = [label for label in labels if canonical(label) not in there]
        if missing:
            values = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
            self.wrong(
                place, f"reads {axis} {values} of stage {source.name!r}, which nobody makes there; add it or drop it"
            )

    def _check_points(self, stage: Stage) -> tuple[frozenset[str], float]:
        """Build the parameters of every point, so that a combination that a kernel refuses is known before any work.

        Returns
        -------
        (frozenset of str, float)
            The packages that the points require, and the GPUs of the one that needs most.
        """
        if math.prod(stage.shape) > MOST_POINTS:
            what = f"found {math.prod(stage.shape):.3g} points; wanted {MOST_POINTS} at most, or several grids"
            self.wrong("axes", what)
            return frozenset(), 0.0
        packages, gpus = set[str](), 0.0
        for point in itertools.islice(stage.points(), 1_000_000):
            try:
                params = stage.params_at(point)
                required = stage.kernel.requires(params)
                missing = _missing(required)
                gpus = max(gpus, _gpus(stage.kernel, params))
            except Exception as error:  # noqa: BLE001 - a kernel may raise anything
                what = str(error) if isinstance(error, ValueError) else reason(error)
                self.wrong("params", f"{what}{at_point(point)}")
                break
            if missing and not self.of_store:
                what = f"kernel {stage.kernel.name} needs the package {missing}, which is not installed here"
                self.wrong("params", f"{what}; `pip install {missing}`{at_point(point)}")
                break
            packages.update(required)
        return frozenset(packages), gpus


def _gpus(kernel: Kernel[Any], params: Any) -> float:
    """Return the GPUs, or the part of one, that a kernel says that a point needs."""
    amount = 0.0 if kernel.gpus is None else kernel.gpus(params)
    if not are_gpus(amount):
        raise ValueError(f"found {brief(amount)} as gpus of kernel {kernel.name}; {WANTED_GPUS}")
    return float(amount)


def _missing(packages: tuple[str, ...]) -> str:
    """Return the first of the packages that cannot be imported, the empty word when all are there."""
    return next((name for name in packages if find_spec(name) is None), "")


def _as_joined(axis: str, labels: Labels, inputs: Mapping[str, Input]) -> Labels:
    """Return the labels of an axis; those that are joined to an input, to the bits that they have there."""
    joined = [item.axes[axis] for item in inputs.values() if axis in item.joined]
    return as_kept(labels, itertools.chain.from_iterable(joined))
