"""Reaching a cluster, with a token or without, by every way to name it; what is missing is said in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from commands import SWEEP
from heads import Head, free_port, head, node, plain_environment
from launching import GRID, assert_same, grid_with, load, run

import sweep.run.executors.twins
from sweep.errors import SweepError
from sweep.grid.resolve import resolve
from sweep.run.events import Event, Notice, WorkerLost
from sweep.run.executors.ray import RayExecutor
from sweep.run.executors.session import Session

TOKEN = "5" * 64
SMALL = {"throw__axes__size": [3], "walk__axes__size": [3]}


@pytest.fixture(scope="module")
def open_head() -> Iterator[Head]:
    with head(RAY_AUTH_MODE="disabled") as started:
        yield started


@pytest.fixture(scope="module")
def closed_head() -> Iterator[Head]:
    with head(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN) as started:
        yield started


@pytest.fixture(autouse=True)
def nothing_of_ray(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def launched(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Launch the toy grid in a folder of its own, as a user would."""
    folder.mkdir(exist_ok=True)
    (folder / "toy.yaml").write_text(yaml.safe_dump(GRID, sort_keys=False))
    settings = plain_environment() | environment | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = [*SWEEP, "launch", "toy.yaml", *words]
    return subprocess.run(line, cwd=folder, env=settings, capture_output=True, text=True, timeout=240, check=False)


def test_auto_with_a_relative_store_and_a_token_left_at_home(open_head: Head, tmp_path: Path) -> None:
    """The head was started in another folder; the token file is what older local launches have left."""
    home = tmp_path / "home"
    (home / ".ray").mkdir(parents=True)
    (home / ".ray/auth_token").write_text(TOKEN)
    done = launched(tmp_path / "here", "--address", "auto", **open_head.environment | {"HOME": str(home)})
    assert done.returncode == 0, done.stdout + done.stderr
    run(grid_with(), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "here/runs/toy.zarr"), load(tmp_path / "fresh.zarr"))


def test_a_token_is_found_used_and_forgotten(
    closed_head: Head, open_head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process joins with a token, then without, then has a Ray of its own: no session tells on the next."""
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("RAY_ADDRESS", closed_head.address)
    run(grid_with(**SMALL), tmp_path / "closed.zarr", RayExecutor)
    run(grid_with(**SMALL), tmp_path / "open.zarr", lambda: RayExecutor(address=open_head.address))
    monkeypatch.delenv("RAY_ADDRESS")
    run(grid_with(**SMALL), tmp_path / "own.zarr", lambda: RayExecutor(1))
    assert_same(load(tmp_path / "closed.zarr"), load(tmp_path / "own.zarr"))
    assert not (tmp_path / ".ray").exists()


def test_what_fits_no_node_waits_for_one_that_comes_later(open_head: Head, tmp_path: Path) -> None:
    """With more workers than cores. Nodes that go, or must not work, are in test_cluster.py."""
    events: list[Event] = []
    with ExitStack() as nodes:

        def listener(event: Event) -> None:
            if isinstance(event, Notice) and not any(isinstance(one, Notice) for one in events):
                nodes.enter_context(node(open_head, "--num-gpus=1"))
            events.append(event)

        run(grid_with(walk__gpus=1), tmp_path / "toy.zarr", lambda: RayExecutor(4, open_head.address), listener)
    (notice,) = {event.text for event in events if isinstance(event, Notice)}  # said again after a minute
    assert notice.startswith("waiting for a node with 1 core and 1 GPU: the largest node, ")
    assert notice.endswith(" offers 1 core and 0 GPUs")
    run(grid_with(), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "toy.zarr"), load(tmp_path / "fresh.zarr"))


def test_what_is_late_on_one_node_is_started_on_another(
    open_head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The late one sleeps for minutes; nobody waits for it."""
    monkeypatch.setattr(sweep.run.executors.twins, "LATE_SECONDS", 2.0)
    stage = {"kernel": "toys:LATE", "axes": {"size": [1, 2, 3]}, "params": {"folder": str(tmp_path)}}
    document = {"name": "late", "seed": 3, "stages": {"late": stage}}
    grid, events = resolve(document, yaml.safe_dump(document), "late.yaml"), list[Event]()
    with node(open_head):
        run(grid, tmp_path / "raced.zarr", lambda: RayExecutor(address=open_head.address), events.append)
    run(grid, tmp_path / "alone.zarr")
    assert_same(load(tmp_path / "raced.zarr"), load(tmp_path / "alone.zarr"))
    assert [event.text for event in events if isinstance(event, Notice) and "is started on" in event.text]
    assert not [event for event in events if isinstance(event, WorkerLost)]


@pytest.mark.parametrize(
    ("token", "words"), [("", "asks for a token, and there is none here"), ("wrong", "the one that is here is another")]
)
def test_a_missing_token_is_said(closed_head: Head, monkeypatch: pytest.MonkeyPatch, token: str, words: str) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", token)
    with pytest.raises(SweepError, match=words) as caught, Session(address=closed_head.address):
        pass
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("closed", "no Ray cluster answers there .*refused"),
        ("nowhere.invalid:6379", "no Ray cluster answers there"),
        ("6379", "no Ray cluster answers there"),
        ("ray://head:10001", "sweep launch --submit http://head:8265"),
        ("http://head:8265", "sweep launch --submit http://head:8265"),
    ],
)
def test_a_wrong_address_is_said(address: str, words: str) -> None:
    address = f"127.0.0.1:{free_port()}" if address == "closed" else address
    with pytest.raises(SweepError, match=words) as caught, Session(address=address):
        pass
    assert len(str(caught.value).splitlines()) == 1
