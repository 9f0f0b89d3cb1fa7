"""A point fails alone: the others of its cell are kept, and only those that read it wait."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from launching import assert_same, load
from wilful import WELL

import sweep
import sweep.run.work
from sweep.cli.lines import conclusion, failure_lines
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.grid.resources import Resources
from sweep.planning.plan import Plan
from sweep.run.driver import Failing, inline, launch
from sweep.run.events import Event, PointsFailed, WorkerLost
from sweep.run.executors.base import Expected, Lost, NextTask, Outcome, attempt
from sweep.run.executors.ray import RayExecutor
from sweep.run.status import read_status
from sweep.run.work import Workbench
from sweep.store.attempts import name_point
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store


def grid(points: int = 20, more: Mapping[str, Any] | None = None, **params: Any) -> Grid:
    """Return twenty points in one cell, some of which end badly, a stage that reads them, and more stages."""
    stages = {
        "a": {"kernel": "wilful:WILFUL", "axes": {"x": {"count": points}}, "params": params},
        **(more or {}),
        "b": {
            "kernel": "wilful:READER",
            "axes": {"x": {"count": points}},
            "inputs": {"data": "a"},
            "params": {"first": -1, "last": -1},
        },
    }
    document = {"name": "wilful", "seed": 5, "stages": stages}
    return resolve(document, yaml.safe_dump(document, sort_keys=False), "wilful.yaml")


@pytest.mark.parametrize("ends", ["raise", "mute", "stateless", "nothing", "exit", "leave", "interrupt", "cancel"])
def test_the_others_are_done_and_who_reads_it_waits(tmp_path: Path, ends: str) -> None:
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    summary = launch(grid(ends=ends, first=3, last=4), place, inline, events.append)
    tree = load(place)
    expected = ~np.isin(np.arange(20), [3, 4])
    for stage in ("a", "b"):
        np.testing.assert_array_equal(tree[stage]["done"], expected)
        np.testing.assert_array_equal(np.isfinite(tree[stage]["y"]), expected)
    assert (summary.failed, summary.waiting, summary.interrupted, summary.finished) == (2, 2, False, True)
    told = [event for event in events if isinstance(event, PointsFailed)]
    assert [(event.attempts, event.final) for event in told[-2:]][-1] == (3, True)
    named = "wanted " if ends in ("stateless", "nothing") else "wilful.py"
    assert all(named in event.reason for event in told)
    assert conclusion(summary, place, "sweep launch") == (
        f"2 points failed and were set aside, and 2 points wait for them; 36 are done. Why: sweep status {place}",
        1,
    )
    status = read_status(Store(Location(place)))
    assert [(status.stages[name].failed, status.stages[name].waiting) for name in ("a", "b")] == [(2, 0), (0, 2)]
    assert "2 (+" not in str(sweep.status(place))
    assert "0 (+2 wait)" in str(sweep.status(place))
    page = sweep.report(place, tmp_path / "report").read_text()
    assert ">2 failed and set aside</td>" in page
    assert ">2 waiting for one that failed</td>" in page
    assert [str(finding) for finding in verify_store(Store(Location(place)), everything=True).findings] == []


def test_the_next_launch_tries_again_and_bits_are_those_of_one_where_nothing_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert launch(grid(first=3, last=4), str(tmp_path / "failed.zarr")).failed == 2
    monkeypatch.setenv(WELL, "1")
    assert launch(grid(first=3, last=4), str(tmp_path / "failed.zarr")).complete
    assert launch(grid(first=3, last=4), str(tmp_path / "fresh.zarr")).complete
    assert_same(load(tmp_path / "failed.zarr"), load(tmp_path / "fresh.zarr"))
    assert read_status(Store(Location(str(tmp_path / "failed.zarr")))).failures == ()


def test_thousands_of_failures_are_told_in_a_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each says something else ("7 does not converge"); what they have in common is what was raised, and where."""
    monkeypatch.setattr(sweep.run.work, "CELL_AT_MOST", math.inf)  # one task, however busy the machine is
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    summary = launch(grid(3000, first=100, last=2500), place, listener=events.append)
    assert (summary.failed, summary.waiting) == (2401, 2401)
    status = read_status(Store(Location(place)))
    assert status.stages["a"].failed == 2401
    words = "\n".join(failure_lines(status))
    assert words.startswith(
        "\na at x 100.0, 101.0..2500.0, 3 attempts: ArithmeticError: 100 does not converge (wilful.py, line "
    )
    assert "; the others are like the first\nwith ends 'raise', first 100, last 2500, seconds 1e-05\n" in words
    assert len(words) < 1500
    assert [event.attempts for event in events if isinstance(event, PointsFailed)] == [1, 2, 3]
    assert len(list((tmp_path / "s.zarr/.sweep/failures/a").iterdir())) == 1


@sweep.kernel(outputs={"y": sweep.Output((), (), "float64")})
def picky(x: float) -> float:
    if x == 2:
        raise ValueError(f"{x} will not do")
    return x


def test_a_function_that_raises_is_named_by_its_own_line(tmp_path: Path) -> None:
    place = str(tmp_path / "s.zarr")
    document = {"name": "picky", "seed": 1, "stages": {"s": {"kernel": picky, "axes": {"x": [1.0, 2.0]}}}}
    sweep.launch(document, place, executor="inline", progress=False)
    (failure,) = read_status(Store(Location(place))).failures
    assert re.fullmatch(r"ValueError: 2\.0 will not do \(test_failing_points\.py, line \d+, in picky\)", failure.reason)
    assert [Path(file).name for file in re.findall(r'File "(.+)"', failure.trace)] == ["test_failing_points.py"]


def test_skipping_and_stopping_at_failures(tmp_path: Path) -> None:
    place = str(tmp_path / "s.zarr")
    events: list[Event] = []
    stopped = launch(grid(), place, listener=events.append, failing=Failing(attempts=1, fast=True))
    assert (stopped.failed, stopped.interrupted, stopped.finished) == (1, False, False)
    assert not load(place)["b"]["done"].any(), "the second stage was not begun"
    skipped = launch(grid(), place, listener=events.append, failing=Failing(skip=True))
    assert (skipped.failed, skipped.waiting, skipped.finished) == (1, 1, True)
    assert sum(isinstance(event, PointsFailed) for event in events) == 1, "it was not tried again"
    again = launch(grid(), place, listener=events.append)
    assert again.failed == 1
    assert sum(isinstance(event, PointsFailed) for event in events) == 4, "three times more"


class Starving:
    """Has memory for no task with the point x = 3, and even on a machine of its own not for x = 5."""

    workers = 1

    def lacks(self, resources: Resources) -> None:
        """It has what is asked for."""

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        bench = Workbench(plan, store)
        while (task := next_task(())) is not None:
            if task.stage == "a" and not task.alone and not {3, 5} <= task.without:
                yield Lost((task,), (), "no memory", starved=True)
            elif task.alone and 5 not in task.without:
                name_point(store.location, task.stage, task.cells.start, 5)
                yield Lost((task,), (), "no memory", starved=True)
            else:
                yield attempt(bench, task)


def test_what_there_was_no_memory_for_is_tried_once_more_on_a_machine_of_its_own(tmp_path: Path) -> None:
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    summary = launch(grid(first=-1, last=-1), place, lambda: nullcontext(Starving()), events.append)
    assert (summary.failed, summary.waiting, summary.finished) == (1, 1, True)
    np.testing.assert_array_equal(load(place)["a"]["done"], np.arange(20) != 5)
    (failed,) = [event for event in events if isinstance(event, PointsFailed)]
    assert (failed.points, failed.attempts, failed.final) == ([{"x": 5}], 1, True)
    assert failed.reason == "its worker died: no memory (it had a machine to itself)"
    assert sum(isinstance(event, WorkerLost) for event in events) == 2


class Killing(Starving):
    """Kills a worker, with no word why, at x = 3 where others are beside it, and at x = 5 in any case."""

    def run(
        self, plan: Plan, store: Store, next_task: NextTask, expected: Expected, stopping: threading.Event
    ) -> Iterator[Outcome]:
        bench = Workbench(plan, store)
        while (task := next_task(())) is not None:
            ends = {3, 5} - {3 if task.alone else None} - task.without if task.stage == "a" else set()
            if ends and task.careful:
                name_point(store.location, task.stage, task.cells.start, min(ends))
            yield Lost((task,), (), "killed") if ends else attempt(bench, task)


def test_who_is_killed_with_no_word_has_a_machine_to_itself_in_the_end(tmp_path: Path) -> None:
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    summary = launch(grid(first=-1, last=-1), place, lambda: nullcontext(Killing()), events.append)
    assert (summary.failed, summary.waiting, summary.finished) == (1, 1, True)
    np.testing.assert_array_equal(load(place)["a"]["done"], np.arange(20) != 5)
    (failed,) = [event for event in events if isinstance(event, PointsFailed) and event.final]
    assert (failed.points, failed.attempts) == ([{"x": 5}], 3)
    assert failed.reason == "its worker died: killed (it had a machine to itself)"


@pytest.mark.slow
def test_a_point_that_eats_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray ends its worker, by a limit that leaves all its processes and ours 3 GiB of what there is."""
    memory = psutil.virtual_memory()
    if memory.available < 8 * 2**30:
        pytest.skip("the machine is too small, or too busy")
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{(memory.total - memory.available + 3 * 2**30) / memory.total}")
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    summary = launch(grid(ends="eat"), place, lambda: RayExecutor(2), events.append)
    assert (summary.failed, summary.waiting, summary.finished) == (1, 1, True)
    np.testing.assert_array_equal(load(place)["a"]["done"], np.arange(20) != 3)
    (failed,) = [event for event in events if isinstance(event, PointsFailed)]
    assert (failed.points, failed.attempts, failed.final) == ([{"x": 3}], 1, True)
    assert failed.reason.startswith("its worker died: out of memory: ")
    assert failed.reason.endswith(" (it had a machine to itself)")


def test_points_that_kill_their_worker_are_set_aside_by_name(tmp_path: Path) -> None:
    """They share a cell with all others; each is found by the name that it left, and set aside, with where it crashed.

    So is one that hangs, which keeps its worker from answering; but it is known at once. One that asks for a person
    fails.
    """
    place, events = str(tmp_path / "s.zarr"), list[Event]()
    stuck = {"kernel": "wilful:WILFUL", "axes": {"x": {"count": 9}}, "params": {"ends": "hang"}, "seconds": 0.5}
    asks = {"kernel": "wilful:WILFUL", "axes": {"x": {"count": 9}}, "params": {"ends": "ask"}}
    summary = launch(
        grid(ends="kill", first=18, last=19, more={"stuck": stuck, "asks": asks}),
        place,
        lambda: RayExecutor(2),
        events.append,
        failing=Failing(attempts=1),
    )
    assert (summary.failed, summary.waiting, summary.finished) == (4, 2, True)
    tree = load(place)
    for stage in ("a", "b"):
        np.testing.assert_array_equal(tree[stage]["done"], np.arange(20) < 18)
    np.testing.assert_array_equal(tree["stuck"]["done"], np.arange(9) != 3)
    failed = [event for event in events if isinstance(event, PointsFailed)]
    assert {event.points[0]["x"] for event in failed if event.final} == {18, 19, 3}
    assert [event.reason for event in failed if event.stage == "stuck"] == ["took longer than 0.5 s"]
    (asked,) = [event.reason for event in failed if event.stage == "asks"]
    assert f"this stops there: sweep rerun {place} --stage asks --at x=3.0 (wilful.py" in asked
    killed, crashed = (next(event.reason for event in failed if event.points == [{"x": x}]) for x in (18, 19))
    assert killed.startswith("its worker died: its process ended (killed ")
    assert crashed == "its worker died: Fatal Python error: Segmentation fault"
    traces = [each.trace for each in read_status(Store(Location(place))).failures if each.labels == {"x": 19}]
    assert re.search(r'most recent call first\):\n  File ".*wilful\.py", line \d+ in _advance\n', traces[0])
    assert "Extension modules" not in traces[0]
    assert not list((tmp_path / "s.zarr/.sweep/at").rglob("a/*"))
    said = {Path(event.log).read_text() for event in events if isinstance(event, WorkerLost) and event.log}
    assert "x = 18 is about to die" in "".join(said), "what a worker printed is in a file, and that is named"
    assert all(path.stat().st_size for path in (tmp_path / "s.logs/1").iterdir()), "who was silent has none"
    assert {name: stage.done for name, stage in summary.stages.items()} == {"a": 18, "b": 18, "stuck": 8, "asks": 8}
