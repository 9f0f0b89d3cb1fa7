"""The generators that all of a process shares: no kernel is to draw from them; whoever checks one puts them back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

# The legacy interface is what a broken kernel would use; here it is only watched.
# ruff: noqa: NPY002


@contextmanager
def kept() -> Iterator[None]:
    """Put them back on leaving as they were."""
    before, before_numpy = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(before_numpy)


@contextmanager
def watched(seed: int) -> Iterator[list[str]]:
    """Seed them, and list on leaving those that were used."""
    used: list[str] = []
    random.seed(seed)
    np.random.seed(seed)
    seeded, seeded_numpy = random.getstate(), _numpy_state()
    try:
        yield used
    finally:
        used += ["random"] * (random.getstate() != seeded) + ["np.random"] * (_numpy_state() != seeded_numpy)


def _numpy_state() -> tuple[object, ...]:
    name, words, *rest = np.random.get_state(legacy=True)
    return (name, np.asarray(words).tobytes(), *rest)
