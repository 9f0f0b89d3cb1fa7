"""A kernel on whose worker every commit takes a while; a diary says what was computed and written when."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.store.store import Store

DIARY = "SLOW_COMMITS_DIARY"  # in the environment: a file for lines of what, from when to when
COMPUTE_SECONDS, COMMIT_SECONDS = 0.2, 0.5


@contextmanager
def _noted(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    with Path(os.environ[DIARY]).open("a") as diary:
        diary.write(json.dumps([what, begun, time.monotonic()]) + "\n")


class _Slow:
    """Commits as a store does, in more time."""

    def __init__(self) -> None:
        self._commit = Store.commit

    def __get__(self, store: Store, _: type) -> Any:
        return lambda *given: self(store, *given)

    def __call__(self, store: Store, *given: Any) -> None:
        with _noted("committed"):
            time.sleep(COMMIT_SECONDS)
            self._commit(store, *given)


@dataclass(frozen=True)
class Params:
    x: int = parameter("the point")


def _advance(params: Params, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    if DIARY in os.environ:
        if not isinstance(vars(Store)["commit"], _Slow):
            Store.commit = _Slow()  # type: ignore[method-assign,assignment]
        with _noted("computed"):
            time.sleep(COMPUTE_SECONDS)
    return (), {"y": np.asarray(params.x + rng.random())}


SLOW_COMMITS = Kernel(
    name="slow_commits",
    version=1,
    params=Params,
    outputs=lambda params: {"y": Output((), (), "float64", "", "the point and a random number")},
    init=lambda params, rng, inputs: (),
    advance=_advance,
    cost=lambda params: 1e3,  # each has a chunk of its own
    blocks=lambda params: 1,
)
