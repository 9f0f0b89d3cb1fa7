"""A machine that has little: nothing can be written but the working folder and /tmp."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from commands import SWEEP
from launching import load
from namespaces import skip_unless_possible

ROOT = Path(__file__).parents[2]
DEVICES = "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9"
READ_ONLY = f"mount --bind {ROOT} {ROOT} && mount -o remount,ro,bind {ROOT}"
GRID = {
    "name": "small",
    "seed": 1,
    "stages": {"potts": {"kernel": "potts:POTTS", "axes": {"size": [3], "temperature": [2.0]}}},
}


@pytest.mark.slow
def test_no_home_no_shared_memory_a_read_only_installation_and_a_long_name_for_temporary_files(tmp_path: Path) -> None:
    """As containers are: numba has no place for its cache, Ray none for its objects, and its sockets' names are cut."""
    skip_unless_possible()
    temporary = tmp_path / ("t" * 90)
    temporary.mkdir()
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(GRID))
    given = {**os.environ, "HOME": "/proc/nowhere", "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}
    given["PYTHONPATH"] = os.pathsep.join([str(ROOT / "examples"), os.environ.get("PYTHONPATH", "")])
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "RAY_TMPDIR"):
        given.pop(name, None)
    script = f'{DEVICES} && {READ_ONLY} && exec "$@"'
    line = ["unshare", "--mount", "bash", "-c", script, "bash", *SWEEP, "launch", "small.yaml", "--workers", "1"]
    done = subprocess.run(line, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert load(tmp_path / "runs/small.zarr")["potts/done"].all()
