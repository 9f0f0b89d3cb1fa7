"""Two workers who do one task, whatever the order of their steps: who is ahead writes, and the bits are the same."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from launching import assert_same, grid_with, load, run

import sweep.run.work
from sweep.planning.plan import Task
from sweep.run.executors.base import Done, Halted, Lost, Outcome, attempt
from sweep.run.planner import Planner
from sweep.run.work import Workbench
from sweep.store.files import Files
from sweep.store.lease import Lease
from sweep.store.storage import Location
from sweep.store.store import Store

GRID = grid_with(throw__axes__size=[3], throw__params__throws=4, walk__axes={"size": [3], "realisation": 2})
TASK = Task("walk", range(1))


class Turns:
    """Lets one of several threads at a time go on to its next step; in a step one may stay for ever."""

    def __init__(self, number: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._may = [threading.Semaphore(0) for _ in range(number)]
        self._over = [threading.Semaphore(0) for _ in range(number)]
        self.names: dict[str, int] = {}  # of writers
        self.alive = set(range(number))

    def wait(self, files: Files) -> None:
        """End a step; the next one begins when it is this writer's turn again."""
        name = self.names.get(files.writer)
        if name in self.alive:
            self._over[name].release()
            self._may[name].acquire()

    def work(self, name: int, outcomes: dict[int, Outcome], bench: Workbench, rival: str | None) -> None:
        self.names[bench.store.location.writer] = name
        self._may[name].acquire()
        outcomes[name] = attempt(bench, TASK, rival)
        self.alive.discard(name)
        self._may[name].release(100)  # what it left under way, when it was refused, comes to its end
        self._over[name].release()

    def play(self) -> None:
        """Let the late one begin, and then each as often as it happens: now the one is much faster, now the other."""
        shares = [1.0, 0.0]
        while self.alive:
            if self._random.random() < 0.02:
                shares = [1.0, self._random.choice([1e-3, 1.0, 1e3])]
            alive = sorted(self.alive)
            name = self._random.choices(alive, [shares[name] or 1e-9 for name in alive])[0]
            self._may[name].release()
            self._over[name].acquire()

    @contextmanager
    def block(self, files: Files, *_: object) -> Iterator[None]:
        """Take some steps for a block of a point."""
        for _ in range(self._random.randrange(20)):
            self.wait(files)
        yield


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store in which only the stage that is read is done, and one in which all is."""
    folder = tmp_path_factory.mktemp("stores")
    run(GRID, folder / "whole.zarr")
    run(GRID, folder / "begun.zarr")
    store = Store(Location(str(folder / "begun.zarr")))
    store.take_back(Planner(GRID)(store).stages["walk"], 0)
    return folder


@pytest.fixture
def benches(stores: Path, tmp_path: Path) -> Iterator[tuple[Workbench, Workbench]]:
    """Yield two who work under one lease."""
    shutil.copytree(stores / "begun.zarr", tmp_path / "raced.zarr")
    location = Location(str(tmp_path / "raced.zarr"), durable=False)
    plan = Planner(GRID)(Store(location))
    with Lease(location, {}) as lease:
        late, second = (Workbench(plan, Store(location.for_another(), lease.token)) for _ in range(2))
        yield late, second


def assert_whole(bench: Workbench, stores: Path) -> None:
    assert_same(load(bench.store.location.place), load(stores / "whole.zarr"))


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_steps_gives_the_same_bits(
    benches: tuple[Workbench, Workbench], stores: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step is one file that is read or written, or some of the time of a block; each block is committed.

    Would catch: values and counts of blocks of the one over those of the other, half of each.
    """
    turns, outcomes = Turns(2, seed), dict[int, Outcome]()
    monkeypatch.setattr(sweep.run.work, "CHECKPOINT_SECONDS", 0.0)
    get, write, check = Files.get, Files._write, Files._check
    monkeypatch.setattr(Files, "get", lambda *given: (turns.wait(given[0]), get(*given))[1])
    monkeypatch.setattr(Files, "_write", lambda *given: (turns.wait(given[0]), write(*given))[1])
    monkeypatch.setattr(Files, "_check", lambda files: (check(files), turns.wait(files))[0])
    threads = []
    for name, (bench, rival) in enumerate(zip(benches, [None, benches[0].store.location.writer], strict=True)):
        assert bench.store.root.nodes  # read before it begins: one process reads the roots of two stores in turn
        bench.limit = partial(turns.block, bench.store.location._home)
        threads.append(threading.Thread(target=turns.work, args=(name, outcomes, bench, rival)))
    for thread in threads:
        thread.start()
    turns.play()
    for thread in threads:
        thread.join()
    assert {type(outcome) for outcome in outcomes.values()} <= {Done, Lost}
    if not any(isinstance(outcome, Done) for outcome in outcomes.values()):
        third = Workbench(benches[0].plan, Store(benches[0].store.location.for_another(), benches[0].store.token))
        assert isinstance(attempt(third, TASK), Done)
    assert_whole(benches[0], stores)


def test_what_the_late_one_commits_while_the_second_begins_leaves_no_hole(
    benches: tuple[Workbench, Workbench], stores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that is read after the results says that there are more of them than were read."""
    late, second = benches
    read_cell = second.store.read_cell

    def some_blocks() -> None:
        begun = count()
        late.stopping = lambda: next(begun) > 2
        assert isinstance(attempt(late, TASK), Halted)

    def read_after_more_blocks(*given: Any) -> Any:
        monkeypatch.setattr(second.store, "read_cell", read_cell)
        some_blocks()
        return read_cell(*given)

    some_blocks()
    monkeypatch.setattr(second.store, "read_cell", read_after_more_blocks)
    assert isinstance(attempt(second, TASK, late.store.location.writer), Done)
    assert_whole(late, stores)


def test_one_that_is_not_ahead_writes_nothing_and_leaves_the_other_alone(
    benches: tuple[Workbench, Workbench], stores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, second = benches
    second.limit = lambda task, point: done_by_the_other()

    def done_by_the_other() -> AbstractContextManager[None]:
        assert isinstance(attempt(late, TASK), Done)
        return nullcontext()

    monkeypatch.setattr(second.store, "commit", None)
    assert isinstance(attempt(second, TASK, late.store.location.writer), Done)
    late.store.location.put("x", b"1")
    assert_whole(late, stores)
