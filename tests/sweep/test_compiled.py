"""Where compiled kernels are kept when numba's own places cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import numba
import pytest

from sweep.compiled import CACHE, keep_compiled


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is set, there is a home, and temporary files have a place of their own."""
    for name in (CACHE, "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "x")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")


def test_a_home_will_do() -> None:
    keep_compiled()
    assert CACHE not in os.environ


@pytest.mark.parametrize("home", ["/proc/nowhere", "nowhere"])
def test_without_a_home_there_is_a_private_folder_that_lasts(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", home)
    keep_compiled()
    assert os.environ[CACHE] == numba.config.CACHE_DIR == f"{tmp_path}/sweep-{os.getuid()}/numba"
    assert (tmp_path / f"sweep-{os.getuid()}").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["open", "link", "file"])
def test_what_others_could_write_is_not_taken(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write there can have any code run."""
    monkeypatch.setenv("HOME", "/proc/nowhere")
    planted = tmp_path / f"sweep-{os.getuid()}"
    if kind == "open":
        planted.mkdir()
        planted.chmod(0o777)
    elif kind == "link":
        planted.symlink_to(tmp_path)
    else:
        planted.touch()
    keep_compiled()
    assert not Path(os.environ[CACHE]).is_relative_to(planted)
    assert Path(os.environ[CACHE]).stat().st_mode & 0o777 == 0o700


def test_what_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.setenv(CACHE, "/mine")
    keep_compiled()
    assert os.environ[CACHE] == "/mine"
