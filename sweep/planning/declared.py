"""What a kernel declares, held to what a store can keep, before anything is laid out or computed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from sweep.errors import Problem, SweepError, brief, reason
from sweep.grid.axes import Label
from sweep.grid.grid import Grid, Stage, at_point, of_a_block, work_problems
from sweep.kernels.contract import Array, Output
from sweep.planning.names import clashes, name_problems, path_problems, short, stage_clashes
from sweep.planning.plan import Plan

KINDS = "biufc"


def check_declared(grid: Grid, there: Iterable[str] | None = None) -> None:
    """Raise SweepError, with all that is wrong, unless the stages of a grid can stand side by side in a store.

    Parameters
    ----------
    grid : Grid
    there : iterable of str, optional
        The names of the stages that the store has already.
    """
    old = set(there or ())
    names = [*old, *(name for name in grid.stages if name not in old)]
    found = clashes((name, "stage") for name in names)
    problems = [Problem(f"stages.{name}", what) for name, what in found if name not in old]
    for name, stage in grid.stages.items():
        problems += [Problem(f"stages.{name}", problem) for problem in dict.fromkeys(_stage_problems(stage))]
    if problems:
        raise SweepError(*problems)


def _stage_problems(stage: Stage) -> Iterator[str]:
    """Yield what is wrong with a stage, each thing at the first point where it is."""
    yield from (what for _, what in name_problems({stage.name: "stage", **dict.fromkeys(stage.axes, "axis")}))
    told, names = set[str](), dict[str, None]()
    for point in _extreme_points(stage):
        for problem in _point_problems(stage, point, names):
            if problem not in told:
                told.add(problem)
                yield f"kernel {stage.kernel.name}: {problem}{at_point(point)}"


def _point_problems(stage: Stage, point: Mapping[str, Label], names: dict[str, None]) -> Iterator[str]:
    """Yield what is wrong at one point, given the names of the outputs at those before it; adds to them."""
    try:
        params = stage.params_at(point)
        outputs, blocks = stage.kernel.outputs(params), stage.kernel.blocks(params)
        cost, work = of_a_block(stage.kernel, params)
    except Exception as error:  # noqa: BLE001 - a kernel may raise anything
        yield f"cannot say what it gives: {reason(error)}"
        return
    found = [*work_problems(blocks, cost, work)] or [*declaration_problems(outputs, blocks)]
    yield from found
    if not found:
        dims = [dim for output in outputs.values() for dim in output.dims]
        yield from stage_clashes(axis=stage.axes, inner_dimension=dims, output=outputs)
        known = list(names)
        names.update(dict.fromkeys(outputs))
        if known and set(known) != set(outputs):
            yield f"gives {', '.join(outputs)} here and {', '.join(known)} elsewhere; wanted the same everywhere"


def _extreme_points(stage: Stage) -> Iterator[dict[str, Label]]:
    """Yield the points where outputs may differ: the first, and those that differ from it in one label."""
    first = {axis: labels[0] for axis, labels in stage.axes.items()}
    yield first
    for axis, labels in stage.axes.items():
        yield from ({**first, axis: label} for label in itertools.islice(labels[1:], 1000))


def declaration_problems(outputs: object, blocks: int) -> Iterator[str]:
    """Yield what is wrong with the outputs of one point."""
    if not isinstance(outputs, Mapping) or not all(isinstance(output, Output) for output in outputs.values()):
        yield f"outputs is {brief(outputs)}; wanted a mapping of names to Output"
        return
    if not outputs:
        yield "there are no outputs; wanted at least one"
    dims = {dim: "inner dimension" for output in outputs.values() for dim in output.dims}
    yield from (what for _, what in name_problems({**dims, **dict.fromkeys(outputs, "output")}))
    for name, output in outputs.items():
        yield from (f"{short(name)}: {problem}" for problem in _output_problems(output, blocks))
    yield from _shared_dimension_problems(outputs)


def _output_problems(output: Output, blocks: int) -> Iterator[str]:
    if len(output.dims) != len(output.shape) or len(set(output.dims)) != len(output.dims):
        yield f"dims {output.dims} and shape {output.shape}; wanted one name, each once, for every length"
        return
    if not all(isinstance(n, int | np.integer) and n >= 0 for n in output.shape):
        yield f"shape {output.shape}; wanted whole numbers, 0 or more"
        return
    yield from _dtype_problems(output)
    lengths = dict(zip(output.dims, output.shape, strict=True))
    for dim, labels in output.coords.items():
        if np.shape(labels) != (lengths.get(dim),):
            yield f"labels of {dim!r} have shape {np.shape(labels)}; wanted ({lengths.get(dim)},)"
        elif np.asarray(labels).dtype.kind not in "biufU":
            yield f"labels of {dim!r} are of type {np.asarray(labels).dtype}; wanted numbers or words"
    if output.block is not None and not output.shape:
        yield "a single number cannot grow by blocks"
    elif output.block is not None and (output.block < 1 or output.block * blocks < output.shape[0]):
        yield f"{blocks} blocks of {output.block} do not fill its length {output.shape[0]}"


def _dtype_problems(output: Output) -> Iterator[str]:
    if output.dtype == "str" or output.words:
        if output.dtype != "str" or not all(isinstance(word, str) and word for word in output.words or (0,)):
            yield f"dtype {brief(output.dtype)} and words {output.words}; wanted dtype 'str' and its words"
        return
    try:
        dtype = np.dtype(output.dtype)
    except TypeError:
        yield f"dtype {brief(output.dtype)} is no numpy dtype; wanted the name of a number type, such as float64"
        return
    if dtype.name != output.dtype or dtype.kind not in KINDS or dtype.itemsize > np.dtype("complex128").itemsize:
        yield f"dtype {brief(output.dtype)}; wanted the name of a number type, such as float64"


def _shared_dimension_problems(outputs: Mapping[str, Output]) -> Iterator[str]:
    """Yield dimensions with two lengths or two sets of labels; all outputs of a point stand in one dataset."""
    seen: dict[str, tuple[str, int]] = {}
    labels: dict[str, tuple[str, Array]] = {}
    for name, output in outputs.items():
        for dim, length in zip(output.dims, output.shape, strict=False):
            first, other = seen.setdefault(dim, (name, length))
            if other != length:
                yield f"the dimension {dim!r} is {other} long in {first} and {length} in {name}"
        for dim, values in output.coords.items():
            first, others = labels.setdefault(dim, (name, values))
            if not np.array_equal(others, values):
                yield f"the dimension {dim!r} has other labels in {first} than in {name}"


def check_nodes(plan: Plan) -> None:
    """Raise SweepError unless the words on axes that lead to nodes of their own can be names of folders."""
    problems: list[Problem] = []
    for name, stage in plan.stages.items():
        for axis in dict.fromkeys(itertools.chain(*stage.stage.dependences.values())):
            words = [label for label in stage.stage.axes[axis] if isinstance(label, str)]
            where = f"stages.{name}.axes.{axis}"
            problems += [
                Problem(where, f"the word {short(word)} cannot name a node: {problem}; wanted a plain word")
                for word in words
                for problem in path_problems(f"{axis}={word}", label=True)
            ]
            problems += [Problem(where, what) for _, what in clashes((word, "word") for word in words)]
    if problems:
        raise SweepError(*problems)
