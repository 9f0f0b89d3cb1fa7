"""Heads of Ray clusters on this machine: started as a user would, and ended with all that they have started."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120.0


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("", 0))
        port: int = listening.getsockname()[1]
        return port


def plain_environment(**changes: str) -> dict[str, str]:
    """Return the environment without what would tell Ray of clusters or tokens, with changes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | changes


@dataclass(frozen=True)
class Head:
    """A head that answers.

    Parameters
    ----------
    address : str
        HOST:PORT.
    environment : mapping of str to str
        Has what a user of that machine has: a home, and nothing of Ray but where its files are, so that ``auto`` finds
        this head and not that of another test.
    """

    address: str
    environment: dict[str, str]


@contextmanager
def head(*options: str, **environment: str) -> Iterator[Head]:
    """Run ``ray start --head`` with one core; yield it when it answers."""
    port, files = free_port(), Path(tempfile.mkdtemp(prefix="head", dir="/tmp"))  # short, for Ray's sockets
    line = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}", "--num-cpus=1"),
        *("--object-store-memory=100000000", "--disable-usage-stats"),
        *(f"--ray-client-server-port={free_port()}", f"--dashboard-agent-listen-port={free_port()}"),
        *(options or ["--include-dashboard=false"]),
    ]
    plain = plain_environment(HOME=str(files), RAY_TMPDIR=str(files))
    with (files / "log").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=files, env=plain | environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait(process, port, files / "log")
        yield Head(f"127.0.0.1:{port}", plain)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(files, ignore_errors=True)


@contextmanager
def node(joined: Head, *options: str) -> Iterator[None]:
    """Let another node with one core, on this machine too, come to a cluster; end it."""
    line = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--address={joined.address}"),
        *("--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats"),
        *(f"--dashboard-agent-listen-port={free_port()}", *options),
    ]
    files = Path(joined.environment["RAY_TMPDIR"])
    with (files / "node").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=files, env=joined.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when Ray says that it runs."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if "Ray runtime started" in log.read_text(errors="replace"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"no Ray at port {port}:\n{log.read_text(errors='replace')[-3000:]}")
