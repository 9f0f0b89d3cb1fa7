"""Ray for the time of a launch: one of our own on this machine, or a place in a cluster that is there."""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import ray

from sweep.errors import Problem, SweepError
from sweep.run.cores import usable_cores
from sweep.run.executors.address import Found, find_cluster

_ray: Any = ray  # parts of Ray carry no types
SHARED_MEMORY = "/dev/shm"
IN_FILES = 2**31  # bytes of objects where there is no shared memory; files take room only for what lies in them
LONGEST_SOCKET = 107  # bytes that the path of a Unix socket may have
SOCKET = "/ray/session_2000-01-01_00-00-00_000000_0000000/sockets/plasma_store"
NO_ACCELERATORS = "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"
END_AGENTS = """
read -r _
for process; do
    case $(tr '\\0' ' ' 2>/dev/null <"/proc/$process/cmdline") in
        *ray*[aA]gent*) kill -9 "$process" ;;
    esac
done
"""
SLOW, STARTS = "timed out during startup", 3  # Ray waits for itself for 30 s, which a busy machine may need more of


class Session:
    """Starts a Ray of its own on entering, or joins a cluster, and leaves it again.

    What it changes in the environment lasts as long as it does, and nothing is written in the home: a Ray of our own is
    open only to who knows a token that is made for it, and a cluster that wants one gets the one that is at hand.

    Parameters
    ----------
    workers : int, optional
        Cores to use; all that there are by default.
    address : str, optional
        A running cluster, ``auto`` or ``HOST:PORT``; by default what RAY_ADDRESS says, if anything. A Ray that this
        process is connected to already is used as it is.

    Attributes
    ----------
    workers : int
        Cores to use; in a joined cluster, those that it has now unless they were given.
    resources : mapping of str to float
        All that there is now, as Ray counts it.
    joined : bool
        Whether the cluster is somebody else's.

    Raises
    ------
    SweepError
        On entering, in words, within seconds.
    """

    def __init__(self, workers: int | None = None, address: str | None = None) -> None:
        self.address = (os.environ.get("RAY_ADDRESS") if address in (None, "auto") else None) or address or "local"
        self.joined = self.address != "local" or ray.is_initialized()
        self.limit = workers
        self.workers = workers or usable_cores()
        self.resources: Mapping[str, float] = {}
        self._leaving = ExitStack()

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            if not self.joined:
                self._start(stack)
            elif not ray.is_initialized():  # whoever has Ray up in this process goes on with it afterwards
                self._join(stack, find_cluster(self.address))
            self.resources = _ray.cluster_resources()
            if self.joined and self.limit is None:
                self.workers = max(1, int(self.resources.get("CPU", 1)))
            self._leaving = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._leaving.close()

    def _join(self, stack: ExitStack, found: Found) -> None:
        stack.enter_context(
            _environment(RAY_AUTH_MODE="token" if found.token else "disabled", RAY_AUTH_TOKEN=found.token)
        )
        self._initialize(stack, address=found.address)

    def _start(self, stack: ExitStack) -> None:
        mode = os.environ.get("RAY_AUTH_MODE", "token")
        token = secrets.token_hex(32) if mode == "token" else None
        stack.enter_context(_environment(RAY_AUTH_MODE=mode, RAY_AUTH_TOKEN=token))
        watch = stack.enter_context(_nothing_left())
        folder = f"{_temporary_folder()}/ray"
        objects = {} if Path(SHARED_MEMORY).is_dir() else {"_plasma_directory": folder, "object_store_memory": IN_FILES}
        self._initialize(
            stack,
            address="local",
            num_cpus=self.workers,
            include_dashboard=False,
            _temp_dir=folder,
            **objects,
        )
        watch()

    def _initialize(self, stack: ExitStack, **options: Any) -> None:
        os.environ.setdefault(NO_ACCELERATORS, "0")
        stack.enter_context(_silence())
        stack.callback(ray.shutdown)
        for attempt in range(STARTS):
            try:
                ray.init(logging_level=logging.ERROR, log_to_driver=False, **options)
            except Exception as error:  # Ray raises that very type where it is slow
                if SLOW in str(error) and attempt + 1 < STARTS:
                    ray.shutdown()
                    continue
                what = f"cannot start or join Ray: {said(error)}"
                raise SweepError(Problem(f"--address {self.address}", what)) from error
            return


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Ray from printing what it has to say of its own processes, such as the last lines of their logs."""
    worker: Any = importlib.import_module("ray._private.worker")
    before = worker.print_to_stdstream
    worker.print_to_stdstream = lambda data, ignore_prefix: None
    try:
        yield
    finally:
        worker.print_to_stdstream = before


@contextmanager
def _nothing_left() -> Iterator[Callable[[], None]]:
    """Yield what has the agents of a Ray that has started end with this process, however it ends.

    Ray's other processes do so by themselves; its agents first tell a head, which is gone too, for a minute. So a shell
    waits for the end of this process, and ends them: those that still are what they were, days later.
    """
    with ExitStack() as stack:

        def watch() -> None:
            psutil = importlib.import_module("psutil")  # which comes with Ray
            raylets = _ray._private.worker._global_node.all_processes["raylet"]
            children = [child for raylet in raylets for child in psutil.Process(raylet.process.pid).children()]
            agents = [str(child.pid) for child in children if "agent" in " ".join(child.cmdline()).lower()]
            line = ["sh", "-c", END_AGENTS, "sh", *agents]
            stack.enter_context(subprocess.Popen(line, stdin=subprocess.PIPE, start_new_session=True))

        yield watch


def said(error: BaseException) -> str:
    """Return what an exception of Ray's says, in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    return " ".join(filter(None, lines)) or type(error).__name__


@contextmanager
def _environment(**wanted: str | None) -> Iterator[None]:
    """Have variables in the environment for a while, and let Ray, which keeps copies of its own, see them."""
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    raylet = importlib.import_module("ray._raylet")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _temporary_folder() -> str:
    """Return a folder where Ray can put its files, and whose name leaves room for those of its sockets.

    Raises
    ------
    SweepError
        When there is none.
    """
    wanted, home = [os.environ.get(name) for name in ("RAY_TMPDIR", "TMPDIR")], os.environ.get("HOME")
    for folder in filter(None, (*wanted, "/tmp", "/var/tmp", SHARED_MEMORY, home)):
        for inside in (folder, f"{folder}/sweep-{os.getuid()}"):  # in case `ray` is there and belongs to somebody else
            if len(os.fsencode(inside + SOCKET)) <= LONGEST_SOCKET and _can_write(inside):
                return inside
    what = "no folder for Ray's files: set RAY_TMPDIR to one that can be written and has a short name (40 letters)"
    raise SweepError(Problem("Ray", what))


def _can_write(folder: str) -> bool:
    try:
        Path(folder, "ray").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=Path(folder, "ray")):
            return True
    except OSError:
        return False
