"""The command in processes of its own: started, listened to line by line, sent signals."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml
from launching import GRID

SUPPORT = Path(__file__).parent
SWEEP = [sys.executable, "-c", "from sweep.cli.commands import main; main()"]


def dozing(blocks: int, doze: float, points: int = 4) -> dict[str, Any]:
    """Return a grid of points of so many blocks, each of which sleeps so long."""
    stage = {"kernel": "toys:DOZE", "axes": {"size": list(range(1, points + 1))}}
    return {**GRID, "stages": {"doze": {**stage, "params": {"steps": blocks, "doze": doze}}}}


def written(folder: Path, grid: dict[str, Any]) -> str:
    """Return the name of a grid file in a folder."""
    (folder / "toy.yaml").write_text(yaml.safe_dump(grid, sort_keys=False))
    return "toy.yaml"


class Running:
    """A `sweep` at work, in a process group of its own, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, words: str, seconds: float = 60.0) -> float:
        """Return how many seconds it took until a line with these words came."""
        begun = time.monotonic()
        while words not in self.said:
            line = self._lines.get(timeout=max(0.0, begun + seconds - time.monotonic()))
            if line is None:
                raise AssertionError(f"it ended without {words!r}: {self.said}")
            self.said += line
        return time.monotonic() - begun

    def send(self, number: signal.Signals, everyone: bool = False) -> None:
        """Send a signal to the launcher, or to all processes of its group."""
        (os.killpg if everyone else os.kill)(self.process.pid, number)

    def end(self, seconds: float = 60.0) -> tuple[int, float]:
        """Return the exit status, and how many seconds it took until it came."""
        begun = time.monotonic()
        status = self.process.wait(timeout=seconds)
        took = time.monotonic() - begun
        while (line := self._lines.get(timeout=5.0)) is not None:
            self.said += line
        return status, took


def environment() -> dict[str, str]:
    """Return the environment of a `sweep` that knows the toy kernels, in a wide terminal."""
    return {**os.environ, "PYTHONPATH": f"{SUPPORT}:{os.environ.get('PYTHONPATH', '')}", "COLUMNS": "200"}


@contextmanager
def running(*words: str, cwd: Path, **options: Any) -> Iterator[Running]:
    """Start a `sweep`; whatever is left of it at the end is killed."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    process = subprocess.Popen(
        [*SWEEP, *words], cwd=cwd, env=environment(), text=True, start_new_session=True, **settings
    )
    try:
        yield Running(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def at_work(launch: Running, store: Path) -> None:
    """Wait until a launch has begun its first task; signals end it gently from then on."""
    logs, deadline = store.with_name(f"{store.stem}.logs"), time.monotonic() + 60
    while not any('"ended"' not in (said := log.read_text()) and '"started"' in said for log in logs.glob("*/*.jsonl")):
        assert launch.process.poll() is None, launch.said
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)


def family(process: int) -> list[int]:
    """Return a process and all below it."""
    above: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                above[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [process]
    for parent in found:
        found += [child for child, its in above.items() if its == parent]
    return found
