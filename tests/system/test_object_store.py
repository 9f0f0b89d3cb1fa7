"""A store at a URL: the same code, the same values, one launcher at a time."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
import xarray as xr
from launching import assert_same, grid_with, load, run
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from sweep.errors import SweepError
from sweep.run.driver import launch
from sweep.store.lease import Lease
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
    with xr.open_datatree(Location(place).zarr, engine="zarr") as tree:
        assert_same(tree.load(), load(tmp_path / "toy.zarr"))
    assert obstore.list(S3Store("sweeps", prefix="runs")).collect(), "the data are in the bucket"
    with Lease(Location(place), {}), pytest.raises(SweepError, match="another launch is writing here"):
        launch(grid_with(), place)
