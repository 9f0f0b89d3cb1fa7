"""A store at a URL: the same code, the same values, one launcher at a time."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from launching import assert_same, grid_with, load, run
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

import sweep.store.holder
import sweep.store.lease
import sweep.store.objects
from sweep.errors import LeaseLost, SweepError
from sweep.run.driver import launch
from sweep.store.lease import KEY, Lease, holds
from sweep.store.storage import Location

BUCKET = "s3://sweeps"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL of an empty bucket of an S3 server on this machine."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    _make_bucket(host, port)
    yield BUCKET
    server.stop()


def _make_bucket(host: str, port: int) -> None:
    connection = http.client.HTTPConnection(host, port)
    connection.request("PUT", "/sweeps")
    assert connection.getresponse().status == 200
    connection.close()


def test_launch_and_resume_at_a_url(bucket: str, tmp_path: Path) -> None:
    place = f"{bucket}/runs/toy.zarr"
    run(grid_with(), place)
    run(grid_with(), tmp_path / "toy.zarr")
    assert_same(load(place), load(tmp_path / "toy.zarr"))
    assert obstore.list(S3Store("sweeps", prefix="runs")).collect(), "the data are in the bucket"
    with Lease(Location(place), {}), pytest.raises(SweepError, match="another launch is writing here"):
        launch(grid_with(), place)


@pytest.fixture(params=["conditional puts", "without them"])
def service(request: pytest.FixtureRequest, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a store at a service that has conditional puts, or has not."""
    if request.param == "without them":
        put = obstore.put

        def plain_put(store: Any, key: str, value: Any, *, mode: Any = "overwrite") -> Any:
            if mode != "overwrite":
                raise obstore.exceptions.NotSupportedError("no conditional puts here")
            return put(store, key, value)

        monkeypatch.setattr(obstore, "put", plain_put)
        monkeypatch.setattr(sweep.store.objects, "SETTLE_SECONDS", 0.01)
    return f"{bucket}/runs/{request.param.replace(' ', '-')}.zarr"


def test_bytes_come_back_from_a_bucket(service: str) -> None:
    location = Location(service)
    assert (location.get("a/b"), location.list(""), location.age("a/b")) == (None, [], None)
    location.put("a/b", b"old")
    location.put("a/b", b"longer")
    location.put("a/bc/d", b"1")
    assert location.put_if_absent("z", b"first")
    assert not location.put_if_absent("z", b"second")
    assert location.get("a/b") == b"longer"
    assert location.list("a/b") == ["a/b", "a/bc/d"]
    assert location.sizes("") == {"a/b": 6, "a/bc/d": 1, "z": 5}
    location.delete_prefix("a/")
    location.delete("a/b")
    assert location.list("") == ["z"]


def test_who_was_succeeded_puts_nothing_into_a_bucket(service: str) -> None:
    former, successor, looker = Location(service), Location(service), Location(service)
    asleep = Lease(former, {}).__enter__()
    former.put("x", b"while it held the store")
    with pytest.raises(SweepError, match="another launch is writing here"):
        Lease(looker, {}).__enter__()
    with Lease(successor, {}, force=True) as lease:
        for deed in (lambda: former.put("x", b"late"), lambda: former.put_if_absent("y", b"late")):
            with pytest.raises(LeaseLost, match="another launcher has taken over"):
                deed()
        asleep.__exit__(None, None, None)
        assert holds(looker, lease.token)
        successor.put("x", b"successor's")
    assert looker.get("x") == b"successor's"
    assert looker.get("y") is None
    with Lease(looker, {}):
        assert looker.list(".sweep/epochs/") == [".sweep/epochs/00000003"]


def test_a_put_that_slept_after_the_fence_does_not_land_on_what_was_written_since(bucket: str) -> None:
    place = f"{bucket}/runs/toy.zarr"
    former, successor = Location(place), Location(place)
    for key in ("old", "new"):
        looks = 0

        def sleeps_in_it(key: str = key) -> None:
            nonlocal looks
            looks += 1
            if looks > 1:
                raise LeaseLost("another launcher has taken over this store")
            successor.put(key, b"successor's")

        former.fence = None
        former.put("old", b"of before")
        former.fence = sleeps_in_it
        with pytest.raises(LeaseLost):
            former.put(key, b"late")
        assert successor.get(key) == b"successor's"


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_clock_of_the_bucket_tells_who_is_alive(bucket: str, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    holder, other = Location(f"{bucket}/runs/toy.zarr"), Location(f"{bucket}/runs/toy.zarr")
    monkeypatch.setattr(sweep.store.lease.holders, "own_facts", lambda: {"host": "elsewhere", "pid": 12})
    with Lease(holder, {}):
        document = json.loads(holder.get(KEY) or b"")
        holder.put(KEY, json.dumps({**document, "heartbeat": document["heartbeat"] + 3600 * hours}).encode())
        age = other.age(KEY)
        assert age is not None
        assert 0 <= age < 30
        with pytest.raises(SweepError, match="another launch is writing here"):
            Lease(other, {}).__enter__()
        monkeypatch.setattr(Location, "age", lambda self, key: 61.0)
        monkeypatch.setattr(sweep.store.holder, "WATCH_SECONDS", 0.0)
        with Lease(other, {}):
            assert not holds(other, document["token"])
    assert not [key for key in other.list(".sweep/") if "clock" in key]
