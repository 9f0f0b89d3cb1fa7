"""One launcher at a time: who is told to wait, who may take over, who must stop writing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from launching import grid_with, run

from sweep.errors import LeaseLost, SweepError
from sweep.plan.plan import make_plan
from sweep.run.driver import plan_for
from sweep.run.work import Workbench
from sweep.store.lease import KEY, Lease, read_lease
from sweep.store.prepare import prepare
from sweep.store.storage import Location
from sweep.store.store import Store


def left_behind(place: Path, age: float = 0.0, **facts: object) -> Location:
    """Return a location with the lease of another launcher, put there `age` seconds ago."""
    own = {"token": "theirs", "host": socket.gethostname(), "pid": os.getpid(), "heartbeat": time.time()}
    location = Location(str(place))
    location.put(KEY, json.dumps({**own, **facts}).encode())
    os.utime(place / KEY, (time.time() - age,) * 2)
    return location


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_second_launcher_is_told_who_holds_the_store(tmp_path: Path) -> None:
    left_behind(tmp_path / "toy.zarr", user="ada", host="elsewhere", pid=12)
    with pytest.raises(SweepError, match=r"another launch is writing here \(ada on elsewhere, process 12\)"):
        run(grid_with(), tmp_path / "toy.zarr")
    assert [path.name for path in (tmp_path / "toy.zarr").rglob("*") if path.is_file()] == ["lease"]


@pytest.mark.parametrize("sign", ["process", "heartbeat"])
def test_a_dead_launcher_is_succeeded(tmp_path: Path, sign: str) -> None:
    facts: dict[str, dict[str, Any]] = {
        "process": {"pid": dead_process()},
        "heartbeat": {"host": "elsewhere", "age": 61.0},
    }
    location = left_behind(tmp_path / "toy.zarr", **facts[sign])
    with Lease(location, {}) as lease:
        assert (read_lease(location) or {})["token"] == lease.token
    assert read_lease(location) is None


def test_who_lost_the_lease_writes_nothing_more(tmp_path: Path) -> None:
    location = Location(str(tmp_path / "toy.zarr"))
    store = Store(location)
    plan = make_plan(grid_with())
    with Lease(location, {}) as lease:
        prepare(store, plan)
        store.token = lease.token
        left_behind(tmp_path / "toy.zarr")
        with pytest.raises(LeaseLost, match="another launcher has taken over this store"):
            Workbench(plan, store).do(plan.stages["throw"].task(0))
    assert not store.done("throw").any()
    assert not [path for path in (tmp_path / "toy.zarr/throw/energy").rglob("c/*") if path.is_file()]
    assert not list((tmp_path / "toy.zarr").rglob("*.partial"))
    assert (read_lease(location) or {})["token"] == "theirs", "the successor's lease is left alone"
    assert plan_for(grid_with(), store).stages.keys() == plan.stages.keys()


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
