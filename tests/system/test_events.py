"""Events for programs: the log beside a store, the stream of a launch, hooks."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from commands import dozing, running, written
from launching import grid_with, run

from sweep.cli.hooks import with_hooks
from sweep.errors import SweepError
from sweep.run.events import Event, Notice
from sweep.run.stream import told_beside

RECEIVED: list[tuple[str, dict[str, Any]]] = []


class MLflow(BaseHTTPRequestHandler):
    """Takes what is posted, and names every run r1."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        RECEIVED.append((self.path.removeprefix("/api/2.0/mlflow/"), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"run": {"info": {"run_id": "r1"}}}).encode())

    def log_message(self, *words: object) -> None:
        pass


def test_the_stream_the_log_and_a_hook_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One launch, told in three ways; the time and the memory of every task are among it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), MLflow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "mlflow_hook.py").write_text(Path("examples/mlflow_hook.py").read_text())
    grid = written(tmp_path, dozing(blocks=2, doze=1.2, points=1))
    words = ("launch", grid, "--executor", "inline", "--json", "--hook", "mlflow_hook:post")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_address[1]}")
    with server, running(*words, cwd=tmp_path) as first:
        status, _ = first.end()
        server.shutdown()
    assert status == 0, first.said
    told = [json.loads(line) for line in first.said.splitlines() if line.startswith("{")]
    logged = [json.loads(line) for line in (tmp_path / "runs/toy.logs/1/events.jsonl").read_text().splitlines()]
    events = [line["event"] for line in told]
    assert (events[0], events[-1]) == ("started", "ended")
    assert "progress" in events, "a task of more than two seconds is told of while it runs"
    assert [line["event"] for line in logged] == [event for event in events if event != "progress"]
    (task,) = (line for line in logged if line["event"] == "task_done")
    assert task["stage"] == "doze"
    assert task["seconds"] > 2.3
    assert task["memory"] > 2**24
    assert logged[-1]["stages"]["doze"] == {"points": 1, "done": 1, "failed": 0, "waiting": 0}
    assert [what for what, _ in RECEIVED] == [
        "runs/create",
        "runs/log-parameter",
        "runs/log-metric",
        "runs/log-metric",
        "runs/update",
    ]
    assert RECEIVED[-1][1]["status"] == "FINISHED"


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "toy.logs").write_text("a file in its place")
    assert run(grid_with(), tmp_path / "toy.zarr").complete


def test_nor_does_one_on_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    told: list[Event] = []
    with told_beside(str(tmp_path), told.append) as tell:
        tell(Notice("a word"))
    assert told == [Notice("a word")]


def test_a_hook_that_raises_is_told_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[Event] = []
    tell = with_hooks(told.append, ["json:loads"])
    for _ in range(2):
        tell(Notice("a word"))
    assert len(told) == 2
    assert capsys.readouterr().err.count("--hook json:loads raised TypeError") == 1
    with pytest.raises(SweepError, match=r"--hook: found 'json:lodas' .* wanted MODULE:FUNCTION"):
        with_hooks(told.append, ["json:lodas"])
