"""A store that does not answer is said in one line, and nothing of it is taken for damaged."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from launching import grid_with, points_done, run
from zarr.storage import LocalStore

from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.run.events import Event
from sweep.run.status import read_status
from sweep.store.files import Files
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store


def test_no_answer_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with pytest.raises(SweepError, match="cannot read or write the store: Generic S3 error") as error:
        run(grid_with(), "s3://runs/toy.zarr")
    assert len(str(error.value).splitlines()) == 1


def failing(monkeypatch: pytest.MonkeyPatch, word: str, number: int) -> None:
    """Let the reading of keys that hold a word fail as a network folder that is away does, or a disk that is broken."""
    read = LocalStore.get

    async def get(self: LocalStore, key: str, *arguments: Any, **options: Any) -> Any:
        if word in key:
            raise OSError(number, "the store is away")
        return await read(self, key, *arguments, **options)

    def get_bytes(self: Files, key: str) -> bytes | None:
        if word in key:
            raise OSError(number, "the store is away")
        return read_bytes(self, key)

    read_bytes = Files.get
    monkeypatch.setattr(LocalStore, "get", get)
    monkeypatch.setattr(Files, "get", get_bytes)


def results(store: Path) -> dict[Path, bytes]:
    """Return all files but those that say who launched, and when."""
    own = [store / ".sweep" / name for name in ("lease", "epochs", "launches", "tasks")]
    files = (path for path in store.rglob("*") if path.is_file() and not {*path.parents, path} & {*own})
    return {path: path.read_bytes() for path in files}


def throws(temperatures: list[float]) -> Grid:
    stage = {"kernel": "toys:THROW", "axes": {"size": [3, 6], "temperature": temperatures}, "params": {"throws": 10}}
    return grid_with(stages={"throw": stage})


LOOKS: dict[str, Callable[[Path], object]] = {
    "launch": lambda store: run(throws([0.0, 0.5, 1.0]), store),
    "verify --repair": lambda store: verify_store(Store(Location(str(store))), repair=True),
    "status": lambda store: read_status(Store(Location(str(store)))),
}


@pytest.mark.parametrize(
    ("word", "look"),
    [
        *itertools.product(["throw/done/c", "throw/blocks/c"], LOOKS),
        *itertools.product(["throw/energy/c"], ["launch", "verify --repair"]),
        ("throw/temperature/c", "verify --repair"),
    ],
)
def test_what_cannot_be_reached_is_not_taken_back(
    word: str, look: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is changed for it, though each of these files would be written again, or its points taken back, if it
    were damaged."""
    store = tmp_path / "toy.zarr"
    run(throws([0.0, 1.0]), store)
    before = results(store)
    failing(monkeypatch, word, errno.ETIMEDOUT)
    with pytest.raises(SweepError, match="cannot read or write the store: the store is away"):
        LOOKS[look](store)
    assert results(store).items() >= before.items()
    monkeypatch.undo()
    events: list[Event] = []
    run(throws([0.0, 0.5, 1.0]), store, listener=events.append)
    assert points_done(events) == 2, "only what is new is computed"
    assert verify_store(Store(Location(str(store)))).findings == ()


def test_a_disk_that_cannot_read_a_file_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "toy.zarr"
    run(grid_with(), store)
    failing(monkeypatch, "throw/energy/c", errno.EIO)
    findings = verify_store(Store(Location(str(store)))).findings
    assert findings
    assert all("cannot be read: OSError" in finding.what for finding in findings)
