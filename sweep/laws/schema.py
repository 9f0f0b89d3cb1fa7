"""The law of schema: what a kernel declares makes sense, and its results are what it declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sweep.errors import counted
from sweep.grid.grid import work_problems
from sweep.grid.parameters import fields_of
from sweep.kernels.contract import Kernel, Output, State
from sweep.laws.runs import Case, Run
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, failed, passed, warning
from sweep.planning import declared
from sweep.planning.names import OWN, stage_clashes
from sweep.run.results import names_problem, value_problem


def schema(trial: Trial) -> Finding:
    """Hold states and results to the declared outputs, and those to common sense."""
    problems = list(declaration_problems(trial.case))
    problems = problems or list(result_problems(trial.case, trial.straight))
    if problems:
        return failed(problems[0] + (f" (and {len(problems) - 1} more)" if problems[1:] else ""))
    outputs = trial.kernel.outputs(trial.case.params)
    cut = sorted(name for name, output in outputs.items() if output.block and output.shape[0] % output.block)
    if cut and trial.straight.states[-1]:
        return warning(f"{', '.join(cut)}: the last block is cut, so longer work would start again at the first block")
    what = counted(len(outputs), "output is", "outputs are")
    return passed(f"{what} as declared in {counted(trial.case.blocks, 'block')}")


def declaration_problems(case: Case) -> Iterator[str]:
    """Yield what is wrong with a kernel's outputs at one point, before any work."""
    outputs, blocks = case.kernel.outputs(case.params), case.blocks
    found = [*work_problems(blocks, 0.0)] or [*declared.declaration_problems(outputs, blocks)]
    yield from found or _name_problems(case.kernel, outputs)


def _name_problems(kernel: Kernel[Any], outputs: Mapping[str, Output]) -> Iterator[str]:
    """Yield names that would not do in every grid, where any parameter may be an axis."""
    dims = dict.fromkeys(dim for output in outputs.values() for dim in output.dims)
    for name in sorted({kernel.name, *outputs, *dims}):
        if not name.isidentifier() or name.startswith("_"):
            yield f"the name {name!r}; wanted a plain word of letters, digits and '_'"
    yield from stage_clashes(inner_dimension=dims, output=outputs)
    for name in fields_of(kernel.params).keys() - OWN.keys():  # each alone: not all that differ by case become axes
        found = stage_clashes(parameter=[name], inner_dimension=dims, output=outputs)
        yield from (problem for problem in found if "parameter" in problem)


def result_problems(case: Case, outcome: Run) -> Iterator[str]:
    """Yield where the states and results of a run are not as declared."""
    for number, state in enumerate(outcome.states):
        yield from (f"state before block {number}: {problem}" for problem in _state_problems(state))
    outputs = case.kernel.outputs(case.params)
    for block, results in enumerate(outcome.results):
        problem = names_problem(results, outputs)
        if problem is not None:
            yield f"block {block} {problem}"
        for name in sorted(results.keys() & outputs.keys()):
            problem = _array_problem(results[name], outputs[name]) or value_problem(results[name], outputs[name], block)
            if problem is not None:
                yield f"{name} of block {block}: {problem}"


def _state_problems(state: State) -> Iterator[str]:
    # A checkpoint holds arrays of plain numbers; anything else would come back changed, or not at all.
    if not isinstance(state, tuple) or not all(isinstance(array, np.ndarray | np.generic) for array in state):
        yield f"found {type(state).__name__}; wanted a tuple of arrays"
    elif any(array.dtype.hasobject for array in state):
        yield "holds Python objects; wanted arrays of numbers"


def _array_problem(found: object, output: Output) -> str | None:
    """Return what a launch would let pass, for it changes nothing: other kernels that read a result may see it."""
    if not isinstance(found, np.ndarray | np.generic):
        return f"found {type(found).__name__}; wanted an array"
    if output.dtype not in ("str", found.dtype.name):
        return f"found dtype {found.dtype.name}; wanted {output.dtype}"
    return None
