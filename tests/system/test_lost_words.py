"""Nothing that becomes of what is printed ends a launch; whoever looks on is told when nobody is at work any more."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import SWEEP, at_work, dozing, environment, running, written
from launching import load

from sweep.grid.load import load_grid
from sweep.run.driver import launch
from sweep.run.events import Event, TaskDone
from sweep.run.stopping import StopRequest

INLINE = ("--executor", "inline")
SWEEP_LINE = shlex.join(SWEEP)
LAUNCH = f"{SWEEP_LINE} launch toy.yaml --executor inline"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in which $LAUNCH launches."""
    return subprocess.run(
        ["bash", "-c", line.replace("$LAUNCH", LAUNCH)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize(
    "line",
    [
        "$LAUNCH > /dev/full 2>&1",
        "$LAUNCH 2>&1 | head -c 1; exit ${PIPESTATUS[0]}",
        pytest.param("$LAUNCH 2>&1 | true; exit ${PIPESTATUS[0]}", marks=pytest.mark.slow),
        pytest.param("$LAUNCH >&- 2>&-", marks=pytest.mark.slow),
        "PYTHONIOENCODING=ascii PYTHONUNBUFFERED=1 $LAUNCH > /dev/full",
    ],
)
def test_a_launch_whose_words_find_no_place_is_all_done(line: str, tmp_path: Path) -> None:
    """The kernel prints and warns as well, in this process."""
    grid = dozing(blocks=2, doze=0.1)
    grid["stages"]["doze"]["kernel"] = "toys:LOUD"
    written(tmp_path, grid)
    ended = shell(line, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert load(tmp_path / "runs" / "toy.zarr")["doze"]["done"].all()


WORKER = """
import logging, os, socket, sys, warnings
from sweep.run.words import keep_words
os.symlink("/dev/full", f"worker-{socket.gethostname()}-{os.getpid()}.log")
assert keep_words(os.getcwd())
for _ in range(3):
    print("x" * 100_000)
    warnings.warn("y" * 100_000)
    logging.warning("z" * 100_000)
"""


def test_a_worker_whose_words_find_no_place_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_launch_whose_terminal_is_gone_goes_on(tmp_path: Path) -> None:
    written(tmp_path, dozing(blocks=3, doze=0.4))
    ours, theirs = pty.openpty()
    command = shlex.split(LAUNCH)
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as launch:
        os.close(theirs)
        deadline = time.monotonic() + 60
        while not (tmp_path / "runs" / "toy.zarr" / "doze" / "blocks").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.close(ours)
        assert launch.wait(60) == 0
    assert load(tmp_path / "runs" / "toy.zarr")["doze"]["done"].all()


def test_who_looks_on_is_told_that_nobody_is_at_work(tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=40, doze=0.5))
    with running("launch", grid, *INLINE, cwd=tmp_path) as launch:
        at_work(launch, tmp_path / "runs" / "toy.zarr")
        with running("status", "runs/toy.zarr", "--follow", cwd=tmp_path) as follower:
            follower.wait_for("at work now: ")
            launch.send(signal.SIGKILL)
            launch.end()
            status, took = follower.end()
        assert (status, 2.0 < took < 30.0) == (0, True)
        assert "Nobody is at work: 4 points are left; `sweep launch` with the same grid goes on." in follower.said


def test_a_grid_that_shrank_is_all_done(tmp_path: Path) -> None:
    request = StopRequest()

    def stop_soon(event: Event) -> None:
        if isinstance(event, TaskDone):
            request.ask("a point is done")

    store = tmp_path / "runs" / "toy.zarr"
    written(tmp_path, dozing(blocks=2, doze=0.1, points=9))
    summary = launch(load_grid(tmp_path / "toy.yaml"), str(store), listener=stop_soon, request=request)
    assert (summary.interrupted, summary.complete) == (True, False)
    written(tmp_path, dozing(blocks=2, doze=0.1, points=2))
    assert shell("$LAUNCH", tmp_path).returncode == 0
    with running("status", "runs/toy.zarr", "--follow", cwd=tmp_path) as follower:
        assert follower.end()[0] == 0
    left = 9 - summary.stages["doze"].done
    assert f"{left} points that only earlier grids asked for are not done" in follower.said
    assert json.loads(shell(f"{SWEEP_LINE} status runs/toy.zarr --json", tmp_path).stdout)["complete"]


@pytest.mark.parametrize(("writes", "code"), [(True, 1), (False, 2)])
def test_2_means_that_nothing_was_written(writes: bool, code: int, tmp_path: Path) -> None:
    """A launch that is succeeded while it works has written; one that is refused has not."""
    grid = written(tmp_path, dozing(blocks=20, doze=0.3))
    store = tmp_path / "runs" / "toy.zarr"
    with running("launch", grid, *INLINE, cwd=tmp_path) as launch:
        at_work(launch, store)
        if writes:
            assert shell(f"{SWEEP_LINE} unlock runs/toy.zarr --yes", tmp_path).returncode == 0
            assert launch.end()[0] == code
            assert "another launcher has taken over this store" in launch.said
        else:
            assert shell("$LAUNCH", tmp_path).returncode == code
