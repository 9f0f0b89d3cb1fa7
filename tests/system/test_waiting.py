"""A launch that waits behind another: both are done, one after the other."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from commands import at_work, dozing, running, written

INLINE = ("--executor", "inline")
WAITS = "waiting for another launch that is writing here"


def test_it_waits_until_the_holder_has_ended(tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=4, doze=0.7))
    with running("launch", grid, *INLINE, cwd=tmp_path) as first:
        at_work(first, tmp_path / "runs" / "toy.zarr")
        with running("launch", grid, *INLINE, cwd=tmp_path) as refused:
            assert refused.end()[0] == 2
        assert "another launch is writing here" in refused.said
        assert "--wait" in refused.said
        with running("launch", grid, *INLINE, "--wait", cwd=tmp_path) as second:
            second.wait_for(WAITS)
            assert first.process.poll() is None
            assert first.end()[0] == 0
            assert second.end() < (0, 15.0)
    assert "All done" in second.said


def test_it_goes_on_where_a_killed_holder_was(tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=4, doze=0.5))
    with running("launch", grid, *INLINE, cwd=tmp_path) as first:
        at_work(first, tmp_path / "runs" / "toy.zarr")
        with running("launch", grid, *INLINE, "--wait", cwd=tmp_path) as second:
            second.wait_for(WAITS)
            first.send(signal.SIGKILL)
            first.end()
            assert second.end()[0] == 0
    assert "All done" in second.said


@pytest.mark.slow
def test_it_waits_no_longer_than_it_was_told(tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=1, doze=20.0))
    with running("launch", grid, *INLINE, cwd=tmp_path) as first:
        at_work(first, tmp_path / "runs" / "toy.zarr")
        begun = time.monotonic()
        with running("launch", grid, "--wait", "--for", "2s", cwd=tmp_path) as timed:
            with running("launch", grid, "--wait", cwd=tmp_path) as stopped:
                stopped.wait_for(WAITS)
                stopped.send(signal.SIGTERM)
                assert stopped.end(10.0)[0] == 130
            assert timed.end()[0] == 130
        assert time.monotonic() - begun < 15.0
        for second in (timed, stopped):
            assert "Interrupted; what is done is kept. To go on:" in second.said
            assert "starting Ray" not in second.said, "it takes no core before its turn"
