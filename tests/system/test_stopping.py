"""Stop means stop: real processes, real signals. What is asked to stop says so at once, ends its block, resumes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from commands import Running, at_work, dozing, family, running, written
from typer.testing import CliRunner

from sweep.cli.commands import app
from sweep.cli.durations import seconds_in
from sweep.run.stopping import interruptible

KEPT = "Interrupted; what is done is kept. To go on:"
INLINE = ("--executor", "inline")


def begun(launch: Running, blocks: Path, number: int = 1) -> None:
    """Wait until so many blocks have been computed."""
    deadline = time.monotonic() + 60
    while len(list(blocks.iterdir())) < number:
        assert launch.process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where the toy kernel leaves a file for each block that it has computed."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    monkeypatch.setenv("TOY_MARKER", str(folder))
    return folder


@pytest.mark.parametrize(
    ("number", "name"),
    [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGUSR1, "SIGUSR1")],
)
def test_the_first_signal_ends_the_block_that_runs(
    number: signal.Signals, name: str, blocks: Path, tmp_path: Path
) -> None:
    grid = written(tmp_path, dozing(blocks=4, doze=2.0))
    with running("launch", grid, *INLINE, cwd=tmp_path) as launch:
        begun(launch, blocks)
        time.sleep(0.4)  # well within the next block
        launch.send(number)
        launch.wait_for(f"stopping ({name})")
        assert len(list(blocks.iterdir())) == 1, "it is said at once, not when the block has ended"
        status, took = launch.end()
    assert status == 130
    assert took < 10.0
    assert KEPT in launch.said
    assert len(list(blocks.iterdir())) == 2, "the block that ran was ended, and none begun"


def test_the_second_signal_leaves_at_once(blocks: Path, tmp_path: Path) -> None:
    with running("launch", written(tmp_path, dozing(blocks=4, doze=30.0)), *INLINE, cwd=tmp_path) as launch:
        at_work(launch, tmp_path / "runs" / "toy.zarr")
        launch.send(signal.SIGINT)
        launch.wait_for("stopping")
        launch.send(signal.SIGTERM)
        status, took = launch.end()
    assert (status, took < 10.0) == (130, True), (took, launch.said)
    assert KEPT in launch.said


DEAF = """
import signal, time
from sweep.run.stopping import SIGNALS, interruptible

with interruptible() as request, request.gently(lambda reason: print("stopping", reason, flush=True)):
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # of this thread only: another one takes them, this one sleeps on
    try:
        print("asleep", flush=True)
        time.sleep(30.0)
    except KeyboardInterrupt:
        print("left", request.reason, flush=True)
"""


def test_what_does_not_wake_up_hears_signals_all_the_same() -> None:
    """As compiled code does not, and a sleep that begins just after the handler of the signal before has run."""
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout
        assert said is not None
        assert said.readline() == "asleep\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert said.readline() == "stopping SIGTERM\n"
        process.send_signal(signal.SIGINT)
        assert said.readline() == "left SIGTERM\n"
    assert process.returncode == 0
    assert time.monotonic() - began < 20.0


def test_a_signal_counts_for_the_time_when_it_came() -> None:
    """Not for that when the thread hears it, which may be when all has ended: 300 signals in the last moment."""
    for _ in range(300):
        with interruptible() as request:
            with request.gently(lambda reason: None):
                signal.raise_signal(signal.SIGINT)
            assert request.reason == "Ctrl-C"
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)


def test_what_a_kernel_has_forked_ends_by_signals_of_its_own() -> None:
    """As the processes of a pool do, which would be waited for for ever; the launch does not take them for its own."""
    with interruptible() as request, request.gently(lambda reason: None):
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        request._settle()
        assert not request.is_set()


def test_on_ray_what_waits_is_not_begun_and_all_is_over_soon(blocks: Path, tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=4, doze=2.0, points=8))
    with running("launch", grid, "--workers", "1", cwd=tmp_path) as launch:
        begun(launch, blocks)
        launch.send(signal.SIGINT)
        launch.wait_for("stopping (Ctrl-C)")
        assert len(list(blocks.iterdir())) == 1, "it is said at once, not when the block has ended"
        status, took = launch.end()
    assert status == 130
    assert took < 15.0
    assert KEPT in launch.said
    assert len(list(blocks.iterdir())) == 2, "the block that ran was ended; the task that waited was not begun"


@pytest.mark.slow
def test_where_everyone_is_told_to_end_the_launch_ends_in_time(blocks: Path, tmp_path: Path) -> None:
    """As `scancel` does it, with SIGKILL after 30 s: the workers and Ray's own processes are told the same."""
    grid = written(tmp_path, dozing(blocks=4, doze=1.0, points=8))
    with running("launch", grid, "--workers", "2", cwd=tmp_path) as launch:
        begun(launch, blocks)
        for process in family(launch.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        launch.wait_for("stopping (SIGTERM)")
        assert launch.end(30.0)[0] == 130
    assert KEPT in launch.said
    assert "Traceback" not in launch.said


def test_it_stops_by_itself_in_time(blocks: Path, tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=100, doze=0.1))
    began = time.monotonic()
    with running("launch", grid, *INLINE, "--for", "0h0.05m", cwd=tmp_path) as launch:
        status, _ = launch.end()
    assert status == 130
    assert 3.0 < time.monotonic() - began < 15.0
    assert "stopping (its time is over)" in launch.said
    assert KEPT in launch.said


@pytest.mark.parametrize(
    ("number", "seconds"),
    [
        (signal.SIGTERM, 1.5),
        pytest.param(signal.SIGTERM, 0.0, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 1.0, marks=pytest.mark.slow),
    ],
)
def test_in_the_first_seconds(number: signal.Signals, seconds: float, tmp_path: Path) -> None:
    """Before Ray is up there is nothing to end: it leaves, with the status and the words of any interruption."""
    with running("launch", written(tmp_path, dozing(blocks=1, doze=600.0)), cwd=tmp_path) as launch:
        launch.wait_for("starting Ray")
        time.sleep(seconds)
        launch.send(number)
        status, took = launch.end()
    assert (status, took < 15.0) == (130, True), launch.said
    assert KEPT in launch.said
    assert "Traceback" not in launch.said


def test_durations() -> None:
    assert [seconds_in(text) for text in ("3600", "55m", "1h30m", "1.5h", "90s", "2d")] == [
        3600,
        3300,
        5400,
        5400,
        90,
        172800,
    ]
    for wrong in ("", "h", "-5", "1x", "1:30", "5m30"):
        with pytest.raises(typer.BadParameter, match="wanted a duration such as 55m, 1h30m, or 3600 for seconds"):
            seconds_in(wrong)
    assert CliRunner().invoke(app, ["launch", "quick", "--for", "soon"]).exit_code == 2
