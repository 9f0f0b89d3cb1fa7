"""What a launch says of itself, for the store's log of launches."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sweep.grid.code import code_of, differences
from sweep.grid.registry import module_of
from sweep.planning.plan import Plan
from sweep.run.events import Event, Listener, Notice, TaskDone
from sweep.run.stream import took
from sweep.store.launches import next_launch, put_launch, put_tasks
from sweep.store.provenance import environment, now, who_and_when
from sweep.store.storage import UNAVAILABLE, Location

GIT_SECONDS = 3.0
LOG_SECONDS = 10.0  # between two times that what is known is put
TASKS_TOGETHER = 1000  # in one file


class Log:
    """A launch in the store's log: what it is, what its tasks took, how far it came; the caller holds the lease.

    What is known is put there from the beginning to the end, and now and then meanwhile: a launch that is killed has
    measured, too.

    Parameters
    ----------
    plan : Plan
    location : Location
    listener : Event -> None
        Told what the log is told.
    """

    def __init__(self, plan: Plan, location: Location, listener: Listener) -> None:
        self._plan, self._location, self._listener = plan, location, listener
        self._facts, self._number = launch_facts(plan), next_launch(location)
        self._tasks: list[dict[str, Any]] = []
        self._part, self._kept = 0, time.monotonic()
        self._reached: Callable[[], Mapping[str, Any]] = dict
        put_launch(location, self._number, self._facts)

    def tell(self, event: Event) -> None:
        """Note what a task took, and tell the listener of whatever it is."""
        if isinstance(event, TaskDone):
            self._tasks.append({"time": now(), **took(event)})
            if len(self._tasks) == TASKS_TOGETHER or time.monotonic() - self._kept > LOG_SECONDS:
                with suppress(*UNAVAILABLE):  # what it means for results, those who write them find out
                    self._keep()
        self._listener(event)

    @contextmanager
    def of(self, reached: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
        """Keep how far a launch comes while it runs, and when it ended.

        Code that is edited while a launch runs is seen at its end and told: workers that started later may have
        imported the new one.
        """
        self._reached = reached
        yield
        changed = [
            f"stages.{name}: {line}"
            for name, stage in self._plan.stages.items()
            for line in differences(stage.code, code_of(stage.wanted))
        ]
        if changed:
            why = "; ".join(changed)
            what = f"code was edited while this launch ran ({why}); part of the results may be of the new"
            self._listener(Notice(f"{what}: `sweep verify --all` with the old code in place says which"))
        self._facts |= {"ended": now(), "edited_meanwhile": changed}
        self._keep()

    def _keep(self) -> None:
        """Put what is known."""
        if self._tasks:
            put_tasks(self._location, self._number, self._part, self._tasks)
        if len(self._tasks) >= TASKS_TOGETHER:
            self._part, self._tasks = self._part + 1, []
        put_launch(self._location, self._number, {**self._facts, "reached": self._reached()})
        self._kept = time.monotonic()


def launch_facts(plan: Plan) -> dict[str, Any]:
    """Return who launches what, when, where and with which code."""
    return {
        **who_and_when(),
        "command": list(sys.argv),
        "folder": os.getcwd(),
        "name": plan.grid.name,
        "seed": plan.grid.seed,
        "grid": plan.grid.text,
        "code": {name: stage.code for name, stage in plan.stages.items()},
        "git": revisions(_files(plan)),
        **environment(),
    }


def _files(plan: Plan) -> list[Path]:
    """Return the grid's file and those of the kernels, as far as they are the user's to edit."""
    names = {module_of(stage.wanted.reference) for stage in plan.stages.values()}
    files = [plan.grid.path, *(getattr(sys.modules.get(name), "__file__", None) for name in sorted(names))]
    paths = [Path(file).resolve() for file in files if file is not None]
    return [path for path in dict.fromkeys(paths) if not {"site-packages", "dist-packages"} & set(path.parts)]


def revisions(files: list[Path]) -> list[dict[str, Any]]:
    """Return the git commit that each file stands in, and whether something beside the commit was there.

    Returns
    -------
    list of dict
        ``file``, ``commit``, and ``dirty``: True when a file of the repository differs from the commit or this one is
        not in it, None when git does not say. Nothing of files in no repository.
    """
    folders = {folder: _revision(folder) for folder in dict.fromkeys(file.parent for file in files)}
    return [
        {"file": str(file), "commit": commit, "dirty": dirty or _git(file.parent, "ls-files", "--", file.name) == ""}
        for file in files
        for commit, dirty in [folders[file.parent]]
        if commit
    ]


def _revision(folder: Path) -> tuple[str | None, bool | None]:
    commit = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    return commit, None if changed is None else bool(changed)


def _git(folder: Path, *words: str) -> str | None:
    """Return what git answers; None where there is no git, no repository, or no answer soon."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        said = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIT_SECONDS,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
