"""What the store's home promises: on the disk before it is in place, in place whole, and no put lands too late."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from launching import assert_same, grid_with, load, run

from sweep.errors import LeaseLost, Problem, SweepError
from sweep.store.files import ATTEMPTS
from sweep.store.lease import KEY, Lease
from sweep.store.storage import Location

ME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return Location(str(tmp_path / "runs" / "toy.zarr"), durable=True, writer=ME)


def lost() -> None:
    raise LeaseLost(Problem("toy.zarr", "another launcher has taken over this store"))


# -- named bytes ------------------------------------------------------------------------------------------------------


def test_bytes_come_back_and_looking_makes_no_folder(location: Location, tmp_path: Path) -> None:
    assert (location.get("a/b"), location.list(""), location.sizes("a"), location.age("a")) == (None, [], {}, None)
    location.delete("a/b")
    location.clear_unfinished()
    assert list(tmp_path.iterdir()) == []
    location.put("a/b", b"old")
    location.put("a/b", b"longer")
    location.put("a/bc/d", b"1")
    location.put("z", b"")
    assert location.get("a/b") == b"longer"
    assert location.get("a") is None
    assert location.get("z/y") is None
    assert location.list("a/b") == ["a/b", "a/bc/d"]
    assert location.sizes("") == {"a/b": 6, "a/bc/d": 1, "z": 0}
    assert location.list("a/b/") == []
    location.delete_prefix("a/")
    assert location.list("") == ["z"]


def test_what_waits_for_a_service_is_done_side_by_side(location: Location) -> None:
    """Each of the acts waits for the other; on a disk, they come one after the other."""
    both = threading.Barrier(2, timeout=30)
    Location("memory:///").together([both.wait, both.wait])
    order: list[int] = []
    location.together([partial(order.append, number) for number in range(20)])
    assert order == list(range(20))
    with pytest.raises(LeaseLost):
        Location("memory:///").together([lost, order.clear])


def test_unfinished_files_are_no_keys_and_are_removed_by_writer(location: Location) -> None:
    location.put("x/done", b"1")
    for writer in (ME, OTHER, "c" * 32):
        (location.local_path / "x" / f"done.{writer}.partial").write_bytes(b"half")  # type: ignore[operator]
    (location.local_path / "x" / "my.partial").write_bytes(b"a file of the user")  # type: ignore[operator]
    names = lambda: sorted(path.name[5:7] for path in location.local_path.rglob("done.*"))  # type: ignore[union-attr]  # noqa: E731
    assert location.list("") == ["x/done", "x/my.partial"]
    location.clear_unfinished(OTHER)
    assert names() == ["aa", "cc"]
    location.clear_unfinished()
    assert names() == ["aa"], "by default, all but one's own"
    assert location.get("x/my.partial") is not None


def test_one_of_many_creates(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    assert location.put_if_absent("lease", b"first")
    assert not location.put_if_absent("lease", b"second")
    assert location.get("lease") == b"first"


def no_links(*_: Any, **__: Any) -> None:
    raise PermissionError("this file system has no hard links")


def test_a_whole_launch_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    run(grid_with(), tmp_path / "toy.zarr")


def test_a_folder_where_a_file_belongs_and_the_reverse_give_way(tmp_path: Path) -> None:
    location = Location(str(tmp_path))
    for key in ("a/put", "a/first", "a/gone"):
        (tmp_path / key / "within").mkdir(parents=True)
    location.put("a/put", b"1")
    assert location.put_if_absent("a/first", b"2")
    location.delete("a/gone")
    assert location.sizes("") == {"a/first": 1, "a/put": 1}
    location.put("a/put/below/it", b"3")
    assert location.sizes("") == {"a/first": 1, "a/put/below/it": 1}


def test_a_location_travels(location: Location) -> None:
    location.fence = lost
    for twin in (pickle.loads(pickle.dumps(location)), copy.deepcopy(location)):
        assert (twin.place, twin.durable, twin.writer) == (location.place, True, ME)
        assert twin.fence is None, "who writes there says by whose right"
    assert Location(location.place).writer != Location(location.place).writer
    pickle.loads(pickle.dumps(location.zarr)).read_only  # noqa: B018 - xarray may send it along


def test_a_folder_that_goes_when_a_job_does_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ray calls those in which it runs the jobs that are submitted."""
    folder = tmp_path / "working_dir_files" / "_ray_pkg_0123456789abcdef"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    with pytest.raises(SweepError, match=r"^runs/a\.zarr: a Ray job's folder is gone .* give --store .* or a URL$"):
        Location("runs/a.zarr").check_writable(0)
    Location(str(tmp_path / "a.zarr")).check_writable(0)


def test_a_link_to_nowhere_is_said(tmp_path: Path) -> None:
    """Whoever would write through it finds a name that is taken and no folder, again and again."""
    (tmp_path / "s.zarr").symlink_to("scratch.zarr")
    with pytest.raises(SweepError, match=r"is a link to scratch\.zarr, which is not there; make that folder, or"):
        run(grid_with(), tmp_path / "s.zarr")
    (tmp_path / "scratch.zarr").mkdir()
    run(grid_with(), tmp_path / "s.zarr")


def test_the_environment_turns_waiting_for_the_disk_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP_FSYNC", raising=False)
    assert Location(str(tmp_path)).durable
    monkeypatch.setenv("SWEEP_FSYNC", "off")
    assert not Location(str(tmp_path)).durable
    assert Location(str(tmp_path), durable=True).durable


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_age_is_told_by_the_clock_of_the_store(location: Location, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    location.put("lease", b"1")
    os.utime(location.local_path / "lease", (0, time.time() - 30))  # type: ignore[operator]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3600 * hours)
    assert location.age("lease") == pytest.approx(30, abs=5)
    assert location.list("") == ["lease"]


# -- the fence --------------------------------------------------------------------------------------------------------


def test_nothing_gets_in_place_behind_the_fence(location: Location) -> None:
    location.put("x", b"mine")
    location.fence = lost
    array = lambda: zarr.create_array(location.zarr, shape=(2,), dtype="i4", overwrite=True)  # noqa: E731
    deeds: list[Callable[[], object]] = [
        lambda: location.put("x", b"late"),
        lambda: location.put("y", b"late"),
        lambda: location.put_if_absent("z", b"late"),
        lambda: location.delete("x"),
        lambda: location.delete_prefix("x"),
        array,
    ]
    for deed in deeds:
        with pytest.raises(LeaseLost, match="another launcher has taken over"):
            deed()
    assert [path.name for path in location.local_path.rglob("*")] == ["x"]  # type: ignore[union-attr]
    assert location.get("x") == b"mine"


def test_chunks_that_zarr_writes_are_fenced(location: Location) -> None:
    array = zarr.create_array(location.zarr, shape=(4,), chunks=(2,), dtype="i4")
    array[...] = np.arange(4)
    location.fence = lost
    with pytest.raises(LeaseLost):
        array[...] = 0
    assert np.array_equal(zarr.open_array(location.zarr, mode="r")[...], np.arange(4))


def test_who_was_cleared_away_after_the_fence_does_not_land(location: Location) -> None:
    """The writer sleeps between its fence and its rename; its successor clears up; then it wakes."""
    successor, looks = Location(location.place, writer=OTHER), 0

    def sleeps_in_it() -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            lost()
        successor.put("x", b"theirs")
        successor.clear_unfinished()

    location.fence = sleeps_in_it
    with pytest.raises(LeaseLost):
        location.put("x", b"late")
    assert successor.get("x") == b"theirs"
    assert not list(successor.local_path.rglob("*.partial"))  # type: ignore[union-attr]


def test_who_was_cleared_away_by_mistake_writes_again(location: Location) -> None:
    """A launcher that lost the store in the middle of clearing up wakes and takes away what its successor writes."""
    asleep, looks = Location(location.place, writer=OTHER), 0

    def meanwhile() -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            asleep.clear_unfinished()

    location.fence = meanwhile
    location.put("x", b"mine")
    assert location.get("x") == b"mine"
    location.fence = asleep.clear_unfinished
    with pytest.raises(LeaseLost, match="again and again"):
        location.put("x", b"never")
    assert location.get("x") == b"mine"
    assert ATTEMPTS > 1


FROZEN = """
import os, signal, sys
from sweep.store.storage import Location

location = Location(sys.argv[1], durable=True)
replace = os.replace

def freezes(source, target):
    if str(target).endswith("result"):
        print("about to put", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    replace(source, target)

os.replace = freezes
from sweep.store.lease import Lease
lease = Lease(location, {})
lease.__enter__()
try:
    location.put("result", b"late")
except Exception as error:
    print(type(error).__name__, error, flush=True)
else:
    print("landed", flush=True)
"""


def test_a_process_that_was_frozen_in_a_put_cannot_finish_it(tmp_path: Path) -> None:
    place = tmp_path / "toy.zarr"
    writer = subprocess.Popen([sys.executable, "-c", FROZEN, str(place)], stdout=subprocess.PIPE, text=True)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "about to put\n"
        _, status = os.waitpid(writer.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.utime(place / KEY, (0, time.time() - 61))
        location = Location(str(place))
        with Lease(location, {}):
            location.put("result", b"successor's")
            writer.send_signal(signal.SIGCONT)
            assert writer.stdout.readline().startswith("LeaseLost")
            assert location.get("result") == b"successor's"
    finally:
        writer.kill()
        writer.communicate()


# -- the disk ---------------------------------------------------------------------------------------------------------


class Recorder:
    """The order in which files and folders reach the disk and names change, and what a power cut would lose."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[str, str]] = []
        self.flushed: set[int] = set()
        self.unflushed_names: set[str] = set()
        fsync, replace, mkdir = os.fsync, os.replace, os.mkdir

        def recorded_fsync(handle: int) -> None:
            fsync(handle)
            path = os.readlink(f"/proc/self/fd/{handle}")
            self.flushed.add(os.fstat(handle).st_ino)
            self.events.append(("flush", path))
            if os.path.isdir(path):
                self.unflushed_names -= {name for name in self.unflushed_names if os.path.dirname(name) == path}

        def recorded_replace(source: Any, target: Any) -> None:
            assert os.stat(source).st_ino in self.flushed, f"{target} is in place before it is on the disk"
            replace(source, target)
            self.events.append(("place", str(target)))
            self.unflushed_names.add(str(target))

        def recorded_mkdir(path: Any, *rest: Any, **named: Any) -> None:
            mkdir(path, *rest, **named)
            self.unflushed_names.add(str(path))

        patch.setattr(os, "fsync", recorded_fsync)
        patch.setattr(os, "replace", recorded_replace)
        patch.setattr(os, "mkdir", recorded_mkdir)

    def lost_by_a_cut(self) -> set[str]:
        return self.unflushed_names


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(monkeypatch)


def test_files_are_on_the_disk_before_they_are_in_place_and_folders_when_flush_returns(
    location: Location, recorder: Recorder
) -> None:
    array = zarr.create_array(location.zarr, name="own/noise", shape=(4, 4), chunks=(2, 2), dtype="i4")
    array[...] = 1
    assert recorder.lost_by_a_cut(), "folders wait for the flush"
    location.flush()
    assert not recorder.lost_by_a_cut()
    assert sum(kind == "place" for kind, _ in recorder.events) == 5
    location.put("own/state", b"1")
    assert not recorder.lost_by_a_cut(), "what is put by itself is safe at once"
    location.put("own/other", b"1", at_once=False)
    assert recorder.lost_by_a_cut() == {str(location.local_path / "own" / "other")}  # type: ignore[operator]
    before = len(recorder.events)
    location.flush()
    location.flush()
    assert [kind for kind, _ in recorder.events[before:]] == ["flush"], "one changed folder is flushed, once"


def test_a_folder_that_another_writer_made_is_flushed_by_who_relies_on_it(
    location: Location, recorder: Recorder
) -> None:
    other = Location(location.place, durable=True)
    other.put("own/c/0/0", b"theirs", at_once=False)  # has made the folders, and not flushed those above
    location.put("own/c/0/1", b"mine", at_once=False)
    location.flush()
    assert not recorder.lost_by_a_cut()
    other.put("own/c/1/0", b"theirs", at_once=False)
    location.put("own/c/1/1", b"mine", at_once=False)
    location.flush()
    assert not recorder.lost_by_a_cut(), "a folder that is new beside one that was flushed"


def test_done_is_written_when_what_it_speaks_of_is_on_the_disk(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole launch: at each put of a `done` or `blocks` chunk, a power cut would lose no other chunk and no state."""
    monkeypatch.setenv("SWEEP_FSYNC", "on")
    recorded, seen = os.replace, 0

    def checked(source: Any, target: Any) -> None:
        nonlocal seen
        if "/done/c/" in str(target) or "/blocks/c/" in str(target):
            seen += 1
            flags = ("/done/", "/blocks/", "toy.logs")  # which is beside the store
            waiting = {name for name in recorder.lost_by_a_cut() if not any(flag in name for flag in flags)}
            assert not waiting, f"{target} speaks of {waiting}"
        recorded(source, target)

    monkeypatch.setattr(os, "replace", checked)
    run(grid_with(), tmp_path / "toy.zarr")
    assert seen == 8, "two stages of two cells, two flags each"
    monkeypatch.setattr(os, "replace", recorded)
    run(grid_with(), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))


def test_without_waiting_nothing_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", no_links)
    location = Location(str(tmp_path / "toy.zarr"), durable=False)
    location.put("x", b"1")
    location.flush()
    assert location.get("x") == b"1"


def test_a_full_disk_leaves_the_old_bytes(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    location.put("x", b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        location.put("x", b"new")
    assert location.get("x") == b"old"
    assert [path.name for path in location.local_path.iterdir()] == ["x"]  # type: ignore[union-attr]
