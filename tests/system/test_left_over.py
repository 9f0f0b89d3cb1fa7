"""A Ray of one's own that loses a process: it is said in a line, and nothing of a launch outlives it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from commands import dozing, written
from processes import Launch, wait_until


@pytest.mark.parametrize("role", ["launcher", pytest.param("gcs", marks=pytest.mark.slow)])
def test_nothing_outlives_a_launch(role: str, tmp_path: Path) -> None:
    """Ray's agents would stay for a minute, to tell a head that is dead as well."""
    grid = tmp_path / written(tmp_path, dozing(blocks=100, doze=0.5))
    with Launch(grid, "--store", tmp_path / "toy.zarr", "--workers", "1", log=tmp_path / "log") as launch:
        wait_until(lambda: launch.processes("actor"), why=lambda: launch.said)
        assert launch.send(role, signal.SIGKILL) == 1
        status = launch.wait(50)
        wait_until(lambda: not launch.left(), 25, launch.left)
    if role == "gcs":
        assert status == 1
        assert launch.said.splitlines()[1:] == [
            "Ray: its process gcs_server died, and with it the workers; what is done is kept, and the same line resumes"
        ]
