"""One launcher at a time: who is told to wait, who may take over, who must stop writing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from launching import grid_with, run
from racing import dead_process, left_behind, race
from typer.testing import CliRunner

import sweep.store.holder
import sweep.store.lease
from sweep.cli.commands import app
from sweep.errors import LeaseLost, SweepError
from sweep.planning.plan import Task, make_plan
from sweep.run.executors.base import Failed, attempt
from sweep.run.planner import Planner
from sweep.run.work import Workbench
from sweep.store.holder import describe, own_facts
from sweep.store.lease import KEY, Lease, await_turn, fence_of, highest_epoch, holds, read_lease, revoke
from sweep.store.prepare import prepare
from sweep.store.storage import Location
from sweep.store.store import Store

HELD = "another launch is writing here"


@pytest.fixture
def location(tmp_path: Path) -> Location:
    return Location(str(tmp_path / "toy.zarr"))


def twin(location: Location) -> Location:
    """Return the same place as another process sees it."""
    return Location(location.place)


@pytest.fixture
def short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.store.holder, "WATCH_SECONDS", 0.3)
    monkeypatch.setattr(sweep.store.lease, "LOOK_SECONDS", 0.05)


# -- who may have it --------------------------------------------------------------------------------------------------


def test_a_second_launcher_is_told_who_holds_the_store(tmp_path: Path) -> None:
    left_behind(tmp_path / "toy.zarr", user="ada", host="elsewhere", pid=12)
    with pytest.raises(SweepError, match=r"another launch is writing here \(ada on elsewhere, process 12\)") as error:
        run(grid_with(), tmp_path / "toy.zarr")
    assert f"sweep unlock {tmp_path / 'toy.zarr'}" in str(error.value)
    assert [path.name for path in (tmp_path / "toy.zarr").rglob("*") if path.is_file()] == ["lease"]


def test_one_after_the_other_without_waiting(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("nobody else wants it"))
    for number in (1, 2, 3):
        with Lease(twin(location), {"done": {}}) as lease:
            assert (read_lease(location) or {})["token"] == lease.token
            assert (lease.epoch, highest_epoch(location)) == (number, number)
            with pytest.raises(SweepError, match=HELD):
                Lease(twin(location), {}).__enter__()
        assert read_lease(location) is None
    assert location.list(".sweep/epochs/") == [".sweep/epochs/00000003"], "earlier ones are cleared away"


@pytest.mark.parametrize("kind", ["free", "stale", "epoch"])
def test_of_two_at_the_same_instant_one_has_it(tmp_path: Path, kind: str) -> None:
    assert race(tmp_path / "toy.zarr", 25, kind) == {("holds", "refused"): 25}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["free", "stale", "epoch"])
def test_of_two_at_the_same_instant_one_has_it_each_of_300_times(tmp_path: Path, kind: str) -> None:
    """Where both win in 9 of 300 races, as they once did, 300 races show none of them once in ten thousand."""
    assert race(tmp_path / "toy.zarr", 300, kind) == {("holds", "refused"): 300}


def test_who_has_created_an_epoch_is_given_time_to_say_so(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone is between the creation of the epoch and the document: what stands there is of the one who died."""
    left_behind(Path(location.place), pid=dead_process(), epoch=1)
    location.put_if_absent(".sweep/epochs/00000002", b"")

    def says_so(seconds: float) -> None:
        left_behind(Path(location.place), epoch=2)

    monkeypatch.setattr(time, "sleep", says_so)
    with pytest.raises(SweepError, match=HELD):
        Lease(twin(location), {}).__enter__()


def test_who_died_before_saying_so_is_not_waited_for_long(location: Location) -> None:
    location.put_if_absent(".sweep/epochs/00000002", b"")
    os.utime(Path(location.place) / ".sweep/epochs/00000002", (0, time.time() - 6))
    with Lease(location, {}) as lease:
        assert lease.epoch == 3


def test_who_wakes_up_with_an_old_epoch_is_refused(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has listed the epochs, slept while others came and went, and creates one that was cleared away."""
    with Lease(twin(location), {}):
        pass
    with Lease(twin(location), {}) as holder:
        late, listing, listed = Lease(twin(location), {}), sweep.store.lease.highest_epoch, []

        def listed_before(place: Location) -> int:
            listed.append(0)
            return listing(place) if len(listed) > 1 else 0

        with monkeypatch.context() as patch:
            patch.setattr(sweep.store.lease, "_is_free", lambda _: True)
            patch.setattr(sweep.store.lease, "highest_epoch", listed_before)
            with pytest.raises(SweepError, match=HELD):
                late.__enter__()
        assert late.epoch == 1, "which it could create"
        assert holds(location, holder.token)
        holder.location.put("x", b"1")


# -- who is dead ------------------------------------------------------------------------------------------------------

ELSEWHERE: dict[str, Any] = {"host": "elsewhere"}


@pytest.mark.usefixtures("short_watch")
@pytest.mark.parametrize("facts", [{"age": 61.0, **ELSEWHERE}, {"age": 61.0}, {"pid": dead_process()}])
def test_a_dead_launcher_is_succeeded(location: Location, facts: dict[str, Any]) -> None:
    left_behind(Path(location.place), **facts)
    with Lease(location, {}) as lease:
        assert (read_lease(location) or {})["token"] == lease.token
    assert read_lease(location) is None


@pytest.mark.usefixtures("short_watch")
@pytest.mark.parametrize("seconds", [-3600, -61, 0, 61, 3600])
def test_clocks_that_differ_let_nobody_in_and_lock_nobody_out(location: Location, seconds: float) -> None:
    """The holder's clock is off by this much; the store's own clock tells when it was last heard of."""
    left_behind(Path(location.place), heartbeat=time.time() + seconds, **ELSEWHERE)
    with pytest.raises(SweepError, match=HELD):
        Lease(twin(location), {}).__enter__()
    left_behind(Path(location.place), age=61, heartbeat=time.time() + seconds, **ELSEWHERE)
    with Lease(twin(location), {}):
        pass


@pytest.mark.usefixtures("short_watch")
@pytest.mark.parametrize("seconds", [-90, 90, 3600])
def test_where_files_have_their_writers_time_the_watch_tells(location: Location, seconds: float) -> None:
    """As on a file system whose clients stamp their files: a living holder seems long dead, or of the future."""
    beating = threading.Event()

    def beat() -> None:
        while not beating.wait(0.1):
            left_behind(Path(location.place), age=-seconds, **ELSEWHERE)

    left_behind(Path(location.place), age=-seconds, **ELSEWHERE)
    heart = threading.Thread(target=beat)
    heart.start()
    try:
        with pytest.raises(SweepError, match=HELD):
            Lease(twin(location), {}).__enter__()
    finally:
        beating.set()
        heart.join()


def test_a_dead_launch_of_the_future_locks_nobody_out(
    location: Location, short_watch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep.store.holder, "STALE_SECONDS", 0.6)
    left_behind(Path(location.place), age=-3600.0, **ELSEWHERE)
    told: list[str] = []
    begun = time.monotonic()
    turn = partial(await_turn, location, tell=told.append)
    with Lease(location, {}, turn=turn):
        assert time.monotonic() - begun >= 0.6
    assert [line.startswith("the launch that was writing here (? on elsewhere") for line in told] == [True]


def test_who_waits_has_its_turn(location: Location, short_watch: None) -> None:
    """Behind one that ends, and behind one that dies; and no longer than it wants to."""
    told: list[str] = []
    wait = partial(await_turn, location, lambda: True, told.append)
    with Lease(twin(location), {}):
        threading.Timer(0.3, lambda: left_behind(Path(location.place), pid=dead_process(), epoch=1)).start()
        with Lease(location, {}, turn=wait) as lease:
            assert lease.epoch == 2
    assert told == [f"waiting for another launch that is writing here ({describe(own_facts())})"]
    patience = iter([True, True, False])
    with Lease(twin(location), {}), pytest.raises(SweepError, match=HELD):
        await_turn(location, lambda: next(patience))
    assert not list(patience)


@pytest.mark.parametrize("hours", [-1, 1])
def test_ones_own_clock_may_differ_as_well(location: Location, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600 * hours)
    with Lease(twin(location), {}), pytest.raises(SweepError, match=HELD):
        Lease(twin(location), {}).__enter__()


def test_a_process_is_known_by_more_than_its_number(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number may be in use again; and the same host name and number may be another machine's or container's."""
    me = own_facts()
    assert me["boot"], "this test is for Linux"
    assert me["born"]
    for facts, alive in [
        (me, True),
        ({**me, "born": "1"}, False),
        ({**me, "pid": dead_process()}, False),
        ({**me, "pid": dead_process(), "boot": "another start of it"}, True),
        ({**me, "pid": dead_process(), "host": "elsewhere"}, True),
        ({"pid": dead_process(), "host": socket.gethostname()}, False),
        ({"pid": 1, "host": socket.gethostname()}, True),
        ({}, True),
    ]:
        assert sweep.store.holder.is_alive(facts, 1.0) is alive, facts
        assert not sweep.store.holder.is_alive(facts, 61.0)
        assert not sweep.store.holder.is_alive(facts, None)


def test_a_lease_document_that_was_cut_short_holds_nobody(location: Location) -> None:
    location.put(KEY, b"")
    with Lease(location, {}):
        location.put("x", b"1")


# -- who must stop ----------------------------------------------------------------------------------------------------


def test_who_lost_the_lease_writes_nothing_more(tmp_path: Path) -> None:
    location = Location(str(tmp_path / "toy.zarr"))
    store = Store(location)
    plan = make_plan(grid_with())
    with Lease(location, {}) as lease:
        prepare(store, plan)
        store.token = lease.token
        left_behind(tmp_path / "toy.zarr")
        failed = attempt(Workbench(plan, store), Task("throw", range(1)))
    assert isinstance(failed, Failed)
    assert failed.fatal is not None
    assert "another launcher has taken over this store" in failed.fatal
    assert not store.done("throw").any()
    assert not [path for path in (tmp_path / "toy.zarr/throw/energy").rglob("c/*") if path.is_file()]
    assert not list((tmp_path / "toy.zarr").rglob("*.partial"))
    assert (read_lease(location) or {})["token"] == "theirs", "the successor's lease is left alone"
    assert Planner(grid_with())(store).stages.keys() == plan.stages.keys()


def test_a_lease_with_a_flipped_bit_is_as_good_as_none(tmp_path: Path) -> None:
    """Wherever the bit is: nobody is told of a holder that cannot be named, and the next launch has its way."""
    location = Location(str(tmp_path / "toy.zarr"))
    with Lease(location, {}):
        pass
    raw = location.get(KEY) or b""
    for place in range(len(raw)):
        damaged = bytearray(raw)
        damaged[place] ^= 1
        location.put(KEY, bytes(damaged))
        assert read_lease(location) is None
    with Lease(location, {}) as lease:
        assert (read_lease(location) or {})["token"] == lease.token


@pytest.fixture
def fast_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.store.lease, "HEARTBEAT_SECONDS", 0.01)


def test_who_slept_wakes_up_to_find_it_gone(location: Location, fast_heart: None) -> None:
    sleeper = twin(location)
    asleep = Lease(sleeper, {}).__enter__()
    worker = twin(location)
    worker.fence = fence_of(worker, asleep.token)
    worker.put("x", b"while it held the store")
    with Lease(twin(location), {}, force=True) as lease:
        for late in (sleeper, worker):
            with pytest.raises(LeaseLost, match="another launcher has taken over"):
                late.put("x", b"late")
        asleep._thread.join(10)
        assert not asleep._thread.is_alive(), "the heart of the former holder has stopped"
        asleep.__exit__(None, None, None)
        time.sleep(0.1)
        assert holds(location, lease.token)
        assert location.get("x") == b"while it held the store"


def test_a_successor_is_seen_before_it_says_who_it_is(location: Location) -> None:
    with Lease(location, {}) as lease:
        twin(location).put_if_absent(".sweep/epochs/00000002", b"")
        assert not holds(location, lease.token)
        with pytest.raises(LeaseLost):
            location.put("x", b"late")


def test_a_heartbeat_under_way_does_not_bring_back_a_lost_lease(location: Location) -> None:
    """The former holder has asked its fence, sleeps, and renames just before its successor clears up."""
    former = twin(location)
    lost = Lease(former, {}).__enter__()
    lost._stop.set()
    document = location.get(KEY) or b""
    successor = Lease(twin(location), {}, force=True)
    clear = successor.location.clear_unfinished

    def lands_just_before(writer: str | None = None) -> None:
        former.fence = None
        former.put(KEY, document)
        clear(writer)

    successor.location.clear_unfinished = lands_just_before  # type: ignore[method-assign]
    with successor:
        assert holds(location, successor.token)
        assert not holds(location, lost.token)


def test_the_heart_goes_on_through_passing_errors(
    location: Location, fast_heart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats, put = threading.Event(), Location.put
    failures = iter([OSError("no answer"), RuntimeError("of any kind"), ValueError()])

    def flaky(self: Location, key: str, value: bytes, at_once: bool = True) -> None:
        error = next(failures, None)
        if error is not None:
            raise error
        put(self, key, value, at_once)
        beats.set()

    with Lease(location, {}) as lease:
        monkeypatch.setattr(Location, "put", flaky)
        assert beats.wait(10)
        monkeypatch.undo()
        assert holds(location, lease.token)


def test_the_heart_goes_on_when_the_store_comes_back(location: Location, fast_heart: None) -> None:
    """A network folder that is away is an empty one, or none."""
    store, away = Path(location.place), Path(f"{location.place}.away")
    with Lease(location, {}) as lease:
        for emptied in (False, True):
            store.rename(away)
            if emptied:
                store.mkdir()
            time.sleep(0.2)
            assert not [path for path in store.rglob("*") if path.is_file()]
            shutil.rmtree(store, ignore_errors=True)
            away.rename(store)
            before = location.get(KEY)
            time.sleep(0.2)
            assert location.get(KEY) != before
        assert holds(location, lease.token)


def test_a_worker_that_was_given_up_puts_nothing_in_place(location: Location) -> None:
    with Lease(location, {}) as lease:
        given_up, other = twin(location), twin(location)
        for worker in (given_up, other):
            worker.fence = fence_of(worker, lease.token)
            worker.put("x", b"1")
        unfinished = Path(location.place) / f"y.{given_up.writer}.partial"
        unfinished.write_bytes(b"half")
        revoke(location, given_up.writer)
        assert not unfinished.exists()
        with pytest.raises(LeaseLost, match="the launch has given up this worker"):
            given_up.put("x", b"late")
        other.put("x", b"2")
        location.put("x", b"3")
    with Lease(location, {}):
        assert len(location.list(".sweep/epochs/")) == 1, "the next launch clears this away"


def test_the_fence_is_cheap(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands before every file: it reads one small document and asks of two names; it never lists a folder."""
    asked: list[str] = []

    def counted(name: str) -> None:
        was = getattr(Location, name)
        monkeypatch.setattr(Location, name, lambda *given, **more: asked.append(name) or was(*given, **more))

    with Lease(location, {"workers": 2, "started": 0.0, "done": {"ising": 3}}) as lease:
        fence = fence_of(location, lease.token)
        for name in ("get", "exists", "list", "sizes", "age", "put", "delete"):
            counted(name)
        fence()
        monkeypatch.undo()
    assert sorted(asked) == ["exists", "exists", "get"]


# -- launchers of the version before ----------------------------------------------------------------------------------


def test_a_launcher_of_the_version_before_is_respected(location: Location) -> None:
    with Lease(twin(location), {}):
        pass
    left_behind(Path(location.place), user="ada")
    with pytest.raises(SweepError, match=HELD):
        Lease(twin(location), {}).__enter__()
    ours = Lease(twin(location), {}, force=True).__enter__()
    left_behind(Path(location.place), user="ada")  # it has taken over from us
    with pytest.raises(LeaseLost):
        ours.location.put("x", b"late")
    ours.__exit__(None, None, None)
    assert (read_lease(location) or {})["user"] == "ada"


def test_a_launcher_of_the_version_before_understands_ours(location: Location) -> None:
    """It reads host, process and heartbeat off the document, and takes one whose heartbeat is old for free."""
    with Lease(location, {}) as lease:
        document = json.loads(location.get(KEY) or b"")
        assert document["token"] == lease.token
        assert abs(document["heartbeat"] - time.time()) < 60
        assert (document["host"], document["pid"]) == (socket.gethostname(), os.getpid())
    assert time.time() - json.loads(location.get(KEY) or b"").get("heartbeat", 0.0) > 60


# -- unlock -----------------------------------------------------------------------------------------------------------


def unlock(place: str, *options: str, answer: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["unlock", place, *options], input=answer)
    return result.exit_code, result.output


def test_unlock_shows_the_holder_asks_and_breaks_its_hold(location: Location) -> None:
    holder = Lease(twin(location), {"workers": 1, "started": 0, "done": {}}).__enter__()
    code, said = unlock(location.place, answer="n\n")
    assert code == 1
    assert f"process {os.getpid()}; last sign of life 0 s ago: it seems to be at work." in said
    assert holds(location, holder.token), "no is no"
    assert unlock(location.place, answer="y\n")[0] == 0
    assert read_lease(location) is None
    with pytest.raises(LeaseLost):
        holder.location.put("x", b"late")
    holder._stop.set()
    code, said = unlock(left_behind(Path(location.place), user="ada", host="elsewhere", pid=12, age=61).place, "--yes")
    assert code == 0
    assert "is held by ada on elsewhere, process 12; last sign of life 61 s ago: it seems to be gone." in said
    with Lease(location, {}):
        pass


def test_unlock_where_nobody_holds_anything(tmp_path: Path) -> None:
    run(grid_with(), tmp_path / "toy.zarr")
    assert unlock(str(tmp_path / "toy.zarr")) == (0, f"{tmp_path / 'toy.zarr'}: no launch holds it.\n")
    with pytest.raises(SweepError, match="there is no store here"):
        CliRunner().invoke(app, ["unlock", str(tmp_path / "typo.zarr")], catch_exceptions=False)
