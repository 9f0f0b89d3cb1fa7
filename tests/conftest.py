"""What holds for all tests: they do not wait for the disk, and one more of them runs than there are cores."""

import os

import pytest

os.environ.setdefault("SWEEP_FSYNC", "off")  # the tests of durability say themselves what they want


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many test processes there are: a third of the time of all tests is waiting for other processes."""
    return min(4, len(os.sched_getaffinity(0)) + 1)
