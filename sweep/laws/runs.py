"""Runs of a kernel, away from any store: straight, restarted at every block, or in a fresh process."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from sweep.grid.identity import point_key, stream
from sweep.kernels.contract import Array, Arrays, Inputs, Kernel, State
from sweep.run.executors.base import limit_threads
from sweep.store.checkpoint import pack, unpack

SEED = 20200611
CHILD_SECONDS = 600


@dataclass(frozen=True)
class Case:
    """What a trial runs: a kernel at one point.

    Parameters
    ----------
    kernel : Kernel
    params : object
        The kernel's parameters.
    inputs : Inputs
    seed, point : int
        They name the random streams, as a grid's seed and a point of it do.
    """

    kernel: Kernel[Any]
    params: Any
    inputs: Inputs
    seed: int = SEED
    point: int = 0

    @property
    def blocks(self) -> int:
        """Return how many blocks make the point complete."""
        return self.kernel.blocks(self.params)

    def stream(self, block: int | None) -> np.random.Generator:
        """Return the generator of a block, or of the initial state."""
        return stream(self.seed, point_key("check", self.kernel.name, {}, {"point": self.point}), block)


@dataclass(frozen=True)
class Run:
    """What came out of a trial.

    Parameters
    ----------
    states : tuple of State
        Before the first block and after each.
    results : tuple of mapping of str to array
        Of each block.
    seconds : tuple of float
        That each block took.
    init_drew, drew : bool
        Whether the initial state, and whether the blocks took random numbers.
    """

    states: tuple[State, ...]
    results: tuple[Arrays, ...]
    seconds: tuple[float, ...]
    init_drew: bool
    drew: bool


def run(case: Case, first: int = 0, state: State | None = None) -> Run:
    """Return a run through all blocks, or through those from `first` on, which `state` is the state before."""
    drew, seconds, results, rng = False, [], [], case.stream(None)
    if state is None:
        state = case.kernel.init(case.params, rng, case.inputs)
    init_drew = _has_drawn(rng, case.stream(None))
    states = [state]
    for block in range(first, case.blocks):
        rng, began = case.stream(block), time.perf_counter()
        state, result = case.kernel.advance(case.params, state, rng, case.inputs)
        seconds.append(time.perf_counter() - began)
        drew |= _has_drawn(rng, case.stream(block))
        states.append(state)
        results.append(result)
    return Run(tuple(states), tuple(results), tuple(seconds), init_drew, drew)


def _has_drawn(rng: np.random.Generator, fresh: np.random.Generator) -> bool:
    return rng.bit_generator.state != fresh.bit_generator.state


def run_restarted(case: Case, decoy: Case) -> Run:
    """Return a run whose state goes through a checkpoint before every block, another run's block done in between."""
    states = [case.kernel.init(case.params, case.stream(None), case.inputs)]
    others = [decoy.kernel.init(decoy.params, decoy.stream(None), decoy.inputs)]
    results: list[Arrays] = []
    for block in range(case.blocks):
        for at, chain in ((decoy, others), (case, states)):
            _, stored = unpack(pack({"point": (block, chain[-1])}), "")["point"]
            state, result = at.kernel.advance(at.params, stored, at.stream(block), at.inputs)
            chain.append(state)
        results.append(result)
    return Run(tuple(states), tuple(results), (), False, False)


def run_in_fresh_process(jobs: Sequence[tuple[Case, int, State | None]]) -> list[Run]:
    """Return runs in a new Python, to which the cases travel as tasks travel to Ray's workers.

    Parameters
    ----------
    jobs : sequence of (Case, first, state)
        As `run` takes them.

    Raises
    ------
    RuntimeError
        When the new process could not run them; with the last line that it said.
    """
    from ray import cloudpickle  # noqa: PLC0415 - Ray takes a second to import and only this function needs it

    dump: Any = cloudpickle.dumps
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked", Path(folder) / "answered"
        asked.write_bytes(pickle.dumps((sys.path, dump(jobs))))
        code = f"from sweep.laws.runs import answer; answer({str(asked)!r}, {str(answered)!r})"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, timeout=CHILD_SECONDS, check=False)
        if done.returncode:
            raise RuntimeError((done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1])
        return cast("list[Run]", pickle.loads(answered.read_bytes()))


def answer(asked: str, answered: str) -> None:
    """Do in a fresh process what `run_in_fresh_process` asks."""
    path, jobs = pickle.loads(Path(asked).read_bytes())
    sys.path.extend(entry for entry in path if entry not in sys.path)
    with limit_threads(1):
        Path(answered).write_bytes(pickle.dumps([run(*job) for job in pickle.loads(jobs)]))


def difference(a: Run, b: Run) -> str | None:
    """Return the first place where two runs do not have the same bits, None when they agree."""
    if len(a.results) != len(b.results):
        return f"{len(a.results)} blocks against {len(b.results)}"
    if not same_state(a.states[0], b.states[0]):
        return "the state before the first block"
    for block, (left, right) in enumerate(zip(a.results, b.results, strict=True)):
        if (found := differing(left, right)) is not None:
            return f"{found} of block {block}"
        if not same_state(a.states[block + 1], b.states[block + 1]):
            return f"the state after block {block}"
    return None


def differing(a: Arrays, b: Arrays) -> str | None:
    """Return the name of the first array that is not the same in both, None when all are."""
    return next(
        (name for name in sorted({*a, *b}) if name not in a or name not in b or not same(a[name], b[name])), None
    )


def same_state(a: State, b: State) -> bool:
    """Return whether two states have the same bits."""
    return len(a) == len(b) and all(map(same, a, b))


def same(a: Array, b: Array) -> bool:
    """Return whether two arrays have the same dtype, shape and bits."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()


def whole(case: Case, outcome: Run) -> dict[str, Array]:
    """Return the results of all blocks put together as the store does: appended and cut, or the last value."""
    together: dict[str, Array] = {}
    for name, output in case.kernel.outputs(case.params).items():
        parts = [result[name] for result in outcome.results]
        together[name] = parts[-1] if output.block is None else np.concatenate(parts)[: output.shape[0]]
    return together


def copied(inputs: Inputs, writeable: bool = True) -> Mapping[str, Mapping[str, Array]]:
    """Return inputs in memory of their own."""
    return {
        name: dict(zip(arrays, copied_state(tuple(arrays.values()), writeable), strict=True))
        for name, arrays in inputs.items()
    }


def copied_state(state: State, writeable: bool = True) -> State:
    """Return a state in memory of its own, read-only if so wished."""

    def copies() -> Iterator[Array]:
        for array in state:
            copy = np.array(array)
            copy.flags.writeable = writeable
            yield copy

    return tuple(copies())
