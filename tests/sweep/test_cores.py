"""Cores are those that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweep.run.cores import usable_cores

V2 = "0::/job/step\n"
V2_MOUNT = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
V1 = "4:memory:/job\n3:cpu,cpuacct:/docker/abc\n0::/\n"
V1_MOUNTS = (
    "31 23 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)


def machine(root: Path, groups: str, mounts: str, **files: str) -> Path:
    """Return a root with the files that a machine shows of control groups."""
    texts = {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts}
    for name, text in {**texts, **{f"sys/fs/cgroup/{key}": value for key, value in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_affinity(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 64


@pytest.mark.parametrize(("quota", "cores"), [("400000 100000", 4), ("250000 100000", 2), ("50000 100000", 1)])
def test_a_quota_is_whole_cores_and_at_least_one(tmp_path: Path, quota: str, cores: int) -> None:
    root = machine(tmp_path, V2, V2_MOUNT, **{"job/step/cpu.max": quota})
    assert usable_cores(root) == cores


def test_a_group_above_limits_those_below(tmp_path: Path) -> None:
    files = {"job/cpu.max": "300000 100000\n", "job/step/cpu.max": "max 100000\n"}
    assert usable_cores(machine(tmp_path, V2, V2_MOUNT, **files)) == 3


def test_in_a_container_of_the_first_version(tmp_path: Path) -> None:
    """There the group is the root of what is mounted, although it has a longer name outside."""
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "200000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}
    assert usable_cores(machine(tmp_path, V1, V1_MOUNTS, **files)) == 2
    unlimited = {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}
    assert usable_cores(machine(tmp_path, V1, V1_MOUNTS, **unlimited)) == 64


def test_what_slurm_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "8")
    assert usable_cores(tmp_path) == 8


def test_a_quota_of_this_machine(tmp_path: Path) -> None:
    """The kernel's own files have the form that is read, and the process need not be in the group named there."""
    assert 1 <= usable_cores() <= 64
