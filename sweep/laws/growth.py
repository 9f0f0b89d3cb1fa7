"""The law of growth: more of something leaves what is there as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sweep.kernels.contract import Array, Output
from sweep.laws.runs import Case, run, same, same_state, whole
from sweep.laws.schema import declaration_problems
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, failed, not_applicable, passed


def growth(trial: Trial) -> Finding:
    """Hold former results, labels and checkpoints to their bits when a parameter that says how long is raised."""
    if not trial.longer:
        return not_applicable("no parameter says how long")
    for name, case in trial.longer.items():
        found = next(_problems(trial, case), None)
        if found is not None:
            former, now = getattr(trial.case.params, name), getattr(case.params, name)
            return failed(f"with {name} raised from {former} to {now}: {found}")
    return passed(f"what is there stays when {' or '.join(trial.longer)} is raised")


def _problems(trial: Trial, case: Case) -> Iterator[str]:
    before, after = trial.kernel.outputs(trial.case.params), trial.kernel.outputs(case.params)
    yield from (f"the output {name!r} comes or goes" for name in sorted(before.keys() ^ after.keys()))
    for name, output in before.items():
        yield from (f"{name} {problem}" for problem in _declared_problems(output, after[name]))
    yield from declaration_problems(case)
    short = replace(trial.case, inputs=case.inputs)  # the kernel may need more input for more output
    shorter, longer = run(short), run(case)
    old, new = whole(short, shorter), whole(case, longer)
    for name, output in before.items():
        if output.block is not None and not same(old[name], new[name][: output.shape[0]]):
            yield f"former values of {name} change"
    # Of a block that was cut the store forgets the state; any other state is gone on from.
    kept = [output.shape[0] // output.block for output in before.values() if output.block is not None]
    states = slice(0, 1 + min([trial.case.blocks, *kept]))
    if not all(map(same_state, shorter.states[states], longer.states[states])):
        yield "former states change, which longer work goes on from"


def _declared_problems(before: Output, after: Output) -> Iterator[str]:
    if (before.dims, before.dtype, before.block) != (after.dims, after.dtype, after.block):
        yield "has other dims, another dtype or another block"
    elif before.shape[1:] != after.shape[1:] or after.shape < before.shape:
        yield f"has shape {before.shape}, then {after.shape}; wanted the first dimension alone to grow"
    elif before.block is None and before.shape != after.shape:
        yield f"has shape {before.shape}, then {after.shape}, but no `block` that says how it grows"
    elif not all(_begins(after.coords.get(dim), labels) for dim, labels in before.coords.items()):
        yield "has other labels where it had some"


def _begins(labels: Array | None, former: Array) -> bool:
    return labels is not None and np.array_equal(labels[: len(former)], former)
