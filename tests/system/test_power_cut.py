"""After a power cut the same line suffices: identical bits, no traceback, whatever the disk had not yet got."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from launching import assert_same, grid_with, load, run
from mishaps import killed_at
from power import Disk

import sweep.run.work
from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store

SUPPORT = Path(__file__).parents[1] / "support"
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="sees in /proc what is flushed")


def small() -> Grid:
    return grid_with(walk__params={"steps": 3})


def large() -> Grid:
    """Return a grid with more of everything: labels between, longer points, another size."""
    temperatures = [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0]
    throw = {"kernel": "toys:THROW", "axes": {"size": [3, 4, 6], "temperature": temperatures}, "params": {"throws": 14}}
    return grid_with(stages={"throw": throw})


def throws() -> Grid:
    axes = {"size": [3, 6], "temperature": {"start": 0.0, "stop": 2.0, "step": 0.25}}
    return grid_with(stages={"throw": {"kernel": "toys:THROW", "axes": axes, "params": {"throws": 10}}})


JOBS = {"a first launch": (None, small()), "an extension": (throws(), large())}


@pytest.fixture(params=list(JOBS))
def job(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Grid, int]:
    """Return the folder of a store, what to launch there, and the number of writes that it takes."""
    monkeypatch.setenv("SWEEP_FSYNC", "on")
    monkeypatch.setattr(sweep.run.work, "CHECKPOINT_SECONDS", 0.0)
    before, grid = JOBS[request.param]
    for name in ("cut", "fresh"):
        (tmp_path / name).mkdir()
        if before is not None:
            run(before, tmp_path / name / "toy.zarr")
    with killed_at(10**9, tmp_path / "fresh") as written:
        run(grid, tmp_path / "fresh" / "toy.zarr")
    return tmp_path, grid, len(written)


def cut(folder: Path, grid: Grid, step: int, seed: int) -> int:
    """Launch until the power goes at a write; return how many files are not what they were."""
    disk = Disk(folder)
    with disk.watched(), killed_at(step, folder):
        run(grid, folder / "toy.zarr")
    return disk.lose_power(random.Random(seed).choice)


def assert_same_after_the_same_line(folder: Path, grid: Grid) -> None:
    store = folder / "cut" / "toy.zarr"
    run(grid, store)
    assert_same(load(store), load(folder / "fresh" / "toy.zarr"))
    findings = verify_store(Store(Location(str(store)))).findings
    assert [str(finding) for finding in findings if finding.stage] == [], "but for the log of launches"


@needs_proc
@pytest.mark.parametrize("part", [0.1, 0.6, 0.97, *(pytest.param(part, marks=pytest.mark.slow) for part in (0.4, 0.8))])
def test_what_was_not_flushed_is_computed_again(job: tuple[Path, Grid, int], part: float) -> None:
    folder, grid, writes = job
    cut(folder / "cut", grid, int(part * writes), seed=int(100 * part))
    assert_same_after_the_same_line(folder, grid)


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_cuts_one_after_the_other(job: tuple[Path, Grid, int], seed: int) -> None:
    folder, grid, writes = job
    rng = random.Random(seed)
    for _ in range(3):
        cut(folder / "cut", grid, rng.randint(1, writes), rng.randrange(10**6))
    assert_same_after_the_same_line(folder, grid)


@needs_proc
def test_a_launch_that_does_not_flush_loses_all_and_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is empty: the simulation can tell who flushes from who does not."""
    monkeypatch.setenv("SWEEP_FSYNC", "off")
    for name in ("cut", "fresh"):
        (tmp_path / name).mkdir()
    run(small(), tmp_path / "fresh" / "toy.zarr")
    disk = Disk(tmp_path / "cut")
    with disk.watched():
        run(small(), tmp_path / "cut" / "toy.zarr")
    assert disk.lose_power(lambda sides: sides[-1]) > 30
    with pytest.raises(SweepError, match=r"Remove zarr\.json and launch the grid again"):
        run(small(), tmp_path / "cut" / "toy.zarr")
    (tmp_path / "cut" / "toy.zarr" / "zarr.json").unlink()
    assert_same_after_the_same_line(tmp_path, small())


SHUT_DOWN, WITHOUT_FLUSHING = 0x8004587D, struct.pack("I", 2)  # EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH
LAUNCH = """
import sys
sys.path.insert(0, sys.argv[1])
import sweep.run.work
from launching import grid_with, run
sweep.run.work.CHECKPOINT_SECONDS = 0.0
run(grid_with(walk__kernel="toys:SLOW", walk__params={"steps": 30}), sys.argv[2])
"""


class Ext4:
    """A file system of its own in a file, which can be shut down as if the plug were pulled."""

    def __init__(self, folder: Path) -> None:
        self.image, self.mounted = folder / "image", folder / "mounted"
        self.mounted.mkdir()
        _command("truncate", "-s", "200M", str(self.image))
        _command("mkfs.ext4", "-q", str(self.image))
        self.mount()

    def mount(self) -> None:
        _command("mount", "-o", "loop", str(self.image), str(self.mounted))

    def unmount(self) -> None:
        deadline = time.monotonic() + 30
        while subprocess.run(["umount", str(self.mounted)], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, "cannot unmount"
            time.sleep(0.2)
        while _command("losetup", "-j", str(self.image)):  # it lives until the loop device lets go
            assert time.monotonic() < deadline, "the loop device holds it"
            time.sleep(0.1)

    def pull_the_plug(self) -> None:
        handle = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, SHUT_DOWN, WITHOUT_FLUSHING)
        finally:
            os.close(handle)


def _command(*words: str) -> bytes:
    return subprocess.run(words, check=True, capture_output=True).stdout


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Ext4]:
    try:
        made = Ext4(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode().strip() or str(error)
        pytest.skip(f"a file system cannot be made and mounted here: {said}")
    yield made
    subprocess.run(["umount", str(made.mounted)], capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0, 4.0])
def test_a_real_file_system_that_is_shut_down(ext4: Ext4, seconds: float, tmp_path: Path) -> None:
    grid = grid_with(walk__kernel="toys:SLOW", walk__params={"steps": 30})
    store = ext4.mounted / "toy.zarr"
    environment = {**os.environ, "SWEEP_FSYNC": "on"}
    with subprocess.Popen([sys.executable, "-c", LAUNCH, str(SUPPORT), str(store)], env=environment) as launch:
        deadline = time.monotonic() + 60
        while not (store / "throw").exists():
            assert time.monotonic() < deadline, "the launch did not get going"
            time.sleep(0.02)
        time.sleep(seconds)
        ext4.pull_the_plug()
        launch.send_signal(signal.SIGKILL)
    ext4.unmount()
    ext4.mount()
    run(grid, store)
    run(grid, tmp_path / "fresh.zarr")
    assert_same(load(store), load(tmp_path / "fresh.zarr"))
    assert verify_store(Store(Location(str(store)))).findings == ()
