"""The law of purity: a kernel changes nothing that it is given, nor later what it has given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sweep.grid.parameters import as_mapping
from sweep.kernels.contract import Array
from sweep.laws.runs import Case, copied, copied_state, differing, same, same_state
from sweep.laws.trial import Trial
from sweep.laws.verdict import Finding, failed, passed


def purity(trial: Trial) -> Finding:
    """Hold a kernel to leaving params, states, inputs and former results alone, and to accepting read-only arrays."""
    case = replace(trial.case, inputs=copied(trial.case.inputs))
    params = dict(as_mapping(case.params))
    state = case.kernel.init(case.params, case.stream(None), case.inputs)
    given: list[tuple[str, Array, Array]] = []
    for block in range(case.blocks):
        before = copied_state(state)
        new, results = case.kernel.advance(case.params, state, case.stream(block), case.inputs)
        if not same_state(before, state):
            return failed(f"advance changes the state that it is given (block {block}); change a copy")
        arrays = {f"the state after block {block}": array for array in new}
        arrays |= {f"{name} of block {block}": array for name, array in results.items()}
        given += [(name, array, np.array(array)) for name, array in arrays.items()]
        state = new
    return _changed(trial, case, params) or _changed_later(given) or _on_read_only(trial)


def _changed(trial: Trial, case: Case, params: Mapping[str, Any]) -> Finding | None:
    untouched = Trial(trial.kernel).case.inputs
    for name in sorted({*case.inputs, *untouched}):
        found = differing(case.inputs.get(name, {}), untouched.get(name, {}))
        if found is not None:
            return failed(f"the input {name}.{found} is changed; other points read it too")
    return None if params == as_mapping(case.params) else failed("the parameters are changed")


def _changed_later(given: list[tuple[str, Array, Array]]) -> Finding | None:
    for name, array, copy in given:
        if not same(array, copy):
            return failed(f"{name} is changed by later work; return arrays that nothing else writes to")
    return None


def _on_read_only(trial: Trial) -> Finding:
    case = replace(trial.case, inputs=copied(trial.case.inputs, writeable=False))
    state = case.kernel.init(case.params, case.stream(None), case.inputs)
    for block in range(case.blocks):
        state = copied_state(state, writeable=False)
        state, results = case.kernel.advance(case.params, state, case.stream(block), case.inputs)
        if differing(results, trial.straight.results[block]) is not None:
            return failed(f"the results of block {block} differ when its arguments are read-only copies")
    return passed("params, states, inputs and former results are left alone")
