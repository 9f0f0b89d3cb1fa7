"""A disk that gets full while a launch is at work: it ends in words, and goes on when there is room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import at_work, dozing, running, written
from launching import assert_same, load

INLINE = ("--executor", "inline")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that is a file system of 4 MB, of which nothing outlives the test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_a_disk_that_gets_full(disk: Path, tmp_path: Path) -> None:
    grid = written(tmp_path, dozing(blocks=3, doze=0.5, points=2))
    words = ("launch", grid, "--store", str(disk / "toy.zarr"), *INLINE)
    with running(*words, cwd=tmp_path) as first:
        at_work(first, disk / "toy.zarr")
        fill(disk / "ballast")
        assert first.end()[0] == 1, first.said
    assert "cannot write the store: No space left on device; what is done is kept" in first.said
    (disk / "ballast").unlink()
    for store in (str(disk / "toy.zarr"), "fresh.zarr"):
        with running("launch", grid, "--store", store, *INLINE, cwd=tmp_path) as launch:
            assert launch.end()[0] == 0, launch.said
    assert_same(load(disk / "toy.zarr"), load(tmp_path / "fresh.zarr"))
