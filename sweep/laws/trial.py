"""A kernel's example, and the runs of it that several laws look at, each done once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from sweep.grid.parameters import coerce, extents_of
from sweep.kernels.contract import Inputs, Kernel, State
from sweep.laws.runs import SEED, Case, Run, run, run_in_fresh_process

FACTORS = (2, 3, 4, 8, 16, 32)  # by which an extent is raised


class Trial:
    """The example of a kernel."""

    def __init__(self, kernel: Kernel[Any]) -> None:
        self.kernel = kernel

    @cached_property
    def case(self) -> Case:
        """Return the example.

        Raises
        ------
        ValueError
            When the kernel has none.
        """
        if self.kernel.example is None:
            raise ValueError("the kernel has no `example`, and nothing can be run without one")
        return Case(self.kernel, self.kernel.example, self.inputs_for(self.kernel.example))

    def inputs_for(self, params: Any) -> Inputs:
        """Return the example inputs at some parameters.

        Raises
        ------
        ValueError
            When the kernel has none but needs some.
        """
        if not self.kernel.inputs:
            return {}
        if self.kernel.example_inputs is None:
            raise ValueError("the kernel reads inputs but has no `example_inputs`")
        return self.kernel.example_inputs(params, np.random.default_rng(SEED))

    @cached_property
    def straight(self) -> Run:
        """Return the run of the example from beginning to end."""
        return run(self.case)

    @cached_property
    def longer(self) -> dict[str, Case]:
        """Return, for every extent, the example with more of it."""
        names = sorted(extents_of(self.kernel.params))
        longer = {name: self._lengthened(name) for name in names}
        return {name: Case(self.kernel, params, self.inputs_for(params)) for name, params in longer.items()}

    def _lengthened(self, name: str) -> Any:
        """Return the example's parameters with one extent raised, if possible so far that more blocks follow.

        Raises
        ------
        ValueError
            When the kernel refuses every larger value that is tried.
        """
        allowed = list(_raised(self.case.params, name))
        if not allowed:
            raise ValueError(f"{name} cannot grow beyond {getattr(self.case.params, name)}")
        return next((params for params in allowed if self.kernel.blocks(params) > self.case.blocks), allowed[0])

    @cached_property
    def of_blocks(self) -> tuple[Case, Run] | None:
        """Return the example, or a longer one, that has several blocks, and its run; None when there is none."""
        cases = (case for case in (self.case, *self.longer.values()) if case.blocks > 1)
        return next(((case, run(case)) for case in cases), None)

    @cached_property
    def elsewhere(self) -> list[Run]:
        """Return, from a fresh process, the run of the example and where possible the later half of `of_blocks`."""
        jobs: list[tuple[Case, int, State | None]] = [(self.case, 0, None)]
        if self.of_blocks is not None:
            case, outcome = self.of_blocks
            jobs.append((case, case.blocks // 2, outcome.states[case.blocks // 2]))
        return run_in_fresh_process(jobs)

    @cached_property
    def travels(self) -> str | None:
        """Return why the kernel does not run in a fresh process, None when it does."""
        try:
            _ = self.elsewhere
        except Exception as error:  # noqa: BLE001 - a broken kernel may raise anything
            return str(error)
        return None


def _raised(params: Any, name: str) -> Iterator[Any]:
    """Yield parameters with one extent raised, as far as the kernel allows."""
    value = getattr(params, name)
    for larger in (factor * value + more for factor in FACTORS for more in (1, 0)):
        try:
            yield replace(params, **{name: coerce(type(params), name, larger)})
        except ValueError:
            continue
