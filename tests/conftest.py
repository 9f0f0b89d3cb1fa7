"""What holds for all tests: they do not wait for the disk, and one more of them runs than there are cores."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import Service

os.environ.setdefault("SWEEP_FSYNC", "off")  # the tests of durability say themselves what they want


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many test processes there are: a third of the time of all tests is waiting for other processes."""
    return min(4, len(os.sched_getaffinity(0)) + 1)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Yield a service of buckets that this process, and those that it starts, find by their environment."""
    service = Service(tmp_path / "service")
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    yield service
    service.kill()
