"""How many cores this process may use: what the scheduler, the container and the batch system each allow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

HERE = Path("/")


def usable_cores(root: Path = HERE) -> int:
    """Return how many cores this process may use, at least one.

    The least of: the cores that it may run on (affinity), the quotas of its control groups and of those above them
    (whole cores: half a core is none), and what Slurm gave each task.

    Parameters
    ----------
    root : Path
        Where ``proc`` and ``sys`` are.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "")
    limits = [allowed, *(int(quota) for quota in _quotas(root)), *([int(slurm)] if slurm.isdecimal() else [])]
    return max(1, min(limits))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the cores' worth of time that each control group around this process may use, where it has a limit."""
    for number, controllers, path in _groups(root):
        version = 2 if number == "0" and not controllers else 1
        if version == 1 and "cpu" not in controllers.split(","):
            continue
        for mounted, prefix in _mounts(root, version):
            inside = Path(path).relative_to(prefix) if Path(path).is_relative_to(prefix) else Path()
            for group in (inside, *inside.parents):
                quota = _quota(mounted / group, version)
                if quota is not None:
                    yield quota


def _groups(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield number, controllers and path of each control group of this process."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        yield number, controllers, path


def _mounts(root: Path, version: int) -> Iterator[tuple[Path, str]]:
    """Yield where the tree of control groups that limits cores is mounted, and which group of it is seen there."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        prefix, place = left.split()[3:5]
        kind, _, options = right.split(maxsplit=2)
        if (kind == "cgroup2" and version == 2) or (kind == "cgroup" and version == 1 and "cpu" in options.split(",")):
            yield root / place.lstrip("/"), prefix


def _quota(group: Path, version: int) -> float | None:
    """Return the cores' worth of time that a control group may use, None without a limit."""
    if version == 2:
        words = _text(group / "cpu.max").split()
    else:
        words = [_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return None  # "max", -1, or no such group
    return int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
