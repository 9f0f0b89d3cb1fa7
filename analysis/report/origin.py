"""Where a report comes from: the store, and the launches that filled it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Run:
    """One launch into the store, as its log has it.

    Parameters
    ----------
    began, ended : str
        Dates; `ended` is empty for one that did not come to its end.
    machine, command, commits : str
        Who was asked, what for, and the commits of grid and kernels.
    """

    began: str
    ended: str
    machine: str
    command: str
    commits: str


@dataclass(frozen=True)
class Origin:
    """Where a report comes from.

    Parameters
    ----------
    store : str
        Path or URL.
    runs : tuple of Run
        All launches whose entries can be read.
    seconds : mapping of str to float
        Core seconds that were spent on each stage, where the log has them.
    failed, waiting : mapping of str to int
        Points of each stage that were set aside, and those that read one that was.
    """

    store: str = ""
    runs: tuple[Run, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
