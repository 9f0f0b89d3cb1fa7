"""What is told of launches beside their store: what workers print, where it is kept, and for how long."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import yaml
from buckets import Service
from launching import grid_with, run

from sweep.grid.resolve import resolve
from sweep.run.driver import Failing, launch
from sweep.run.events import Event, PointsFailed, WorkerLost
from sweep.run.executors.ray import RayExecutor
from sweep.run.words import LAUNCHES, logs_of_launch
from sweep.store.lease import Lease
from sweep.store.storage import Location


def test_what_workers_print_is_kept_beside_a_store_at_a_url(service: Service) -> None:
    """Also the last words of one that is killed right after them; who was silent has no object."""
    ends = {"say": (3, "x = 3 is about to raise"), "kill": (5, "x = 5 is about to die")}
    stages: dict[str, Any] = {
        how: {"kernel": "wilful:WILFUL", "axes": {"x": {"count": 9}}, "params": {"ends": how, "first": x, "last": x}}
        for how, (x, _) in ends.items()
    }
    document = {"name": "s", "seed": 1, "stages": stages}
    grid = resolve(document, yaml.safe_dump(document, sort_keys=False), "s.yaml")
    events: list[Event] = []
    place = "s3://sweeps/runs/s.zarr"
    summary = launch(grid, place, lambda: RayExecutor(2), events.append, failing=Failing(attempts=1))
    assert (summary.failed, summary.finished) == (2, True)
    told = {event.log for event in events if isinstance(event, PointsFailed | WorkerLost) and event.log}
    logs, kept, deadline = Location("s3://sweeps/runs/s.logs/1"), dict[str, str](), time.monotonic() + 30
    while not told <= kept.keys() or '"ended"' not in kept.get(f"{logs.place}/events.jsonl", ""):
        assert time.monotonic() < deadline, (told, kept)
        time.sleep(0.1)  # what was written is on its way when the one who wrote it has ended
        kept = {f"{logs.place}/{key}": (logs.get(key) or b"").decode() for key in logs.list("")}
    assert all(kept.values())
    logged = [json.loads(line)["event"] for line in kept[f"{logs.place}/events.jsonl"].splitlines()]
    assert (logged[0], logged.count("points_failed")) == ("started", sum(isinstance(e, PointsFailed) for e in events))
    for _, words in ends.values():
        assert any(words in kept[name] for name in told), words


def test_the_logs_of_the_latest_launches_are_kept(tmp_path: Path) -> None:
    """A launch at work keeps its own, whatever is done meanwhile, and where a store of that name was removed."""
    place, logs = tmp_path / "toy.zarr", tmp_path / "toy.logs"
    (logs / "0").mkdir(parents=True)
    (logs / "0/notes.txt").write_text("of the user's own")

    def numbers() -> list[int]:
        return sorted(int(path.name) for path in logs.iterdir() if path.name != "0")

    for number in range(1, LAUNCHES + 3):
        run(grid_with(), place)
        assert numbers() == list(range(max(1, number + 1 - LAUNCHES), number + 1))
        assert (logs / f"{number}/events.jsonl").read_text().count('"started"') == 1
    assert (logs / "0/notes.txt").exists()
    shutil.rmtree(place)
    run(grid_with(), place)
    assert numbers()[-1] == LAUNCHES + 3
    shutil.rmtree(logs)
    run(grid_with(), place)
    assert numbers() == [2], "that of the launch in the store"
    location = Location(str(place))
    with Lease(location, {}), logs_of_launch(location) as own:
        (Path(own)).mkdir()
        (Path(own) / "worker-a-1.log").write_text("words")
        (Path(own) / "worker-a-2.log").touch()
    assert [path.name for path in Path(own).iterdir()] == ["worker-a-1.log"], "who was silent has none"
