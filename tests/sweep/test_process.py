"""A kernel leaves the process that it works in as it was, does not end it, and does not go on as a second one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import environment, written

from sweep.run.process import lend


def lower(limit: int) -> None:
    resource.setrlimit(limit, (8, resource.getrlimit(limit)[1]))


@pytest.mark.parametrize(
    ("look", "change"),
    [
        (os.getcwd, lambda: os.chdir("/")),
        (sys.getrecursionlimit, lambda: sys.setrecursionlimit(5000)),
        (np.geterr, lambda: np.seterr(all="raise")),
        (lambda: resource.getrlimit(resource.RLIMIT_NOFILE), lambda: lower(resource.RLIMIT_NOFILE)),
        (lambda: resource.getrlimit(resource.RLIMIT_FSIZE), lambda: lower(resource.RLIMIT_FSIZE)),
    ],
)
def test_what_a_step_changes_is_put_back(look: Callable[[], object], change: Callable[[], object]) -> None:
    def step() -> object:
        change()
        return look()

    before = look()
    assert lend(step) != before
    assert look() == before


def test_a_step_that_removes_its_folder_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    lend((tmp_path / "gone").rmdir)
    assert lend(abs, -1) == 1


@pytest.mark.parametrize(("leave", "named"), [(os._exit, "os._exit(0)"), (sys.exit, "sys.exit(0)")])
def test_a_step_that_would_end_the_process_raises(leave: Callable[[int], object], named: str) -> None:
    """By its name, as it is called: `os._exit` is another function meanwhile."""
    name = leave.__name__
    with pytest.raises(RuntimeError, match="a kernel may not end its process") as raised:
        lend(lambda: getattr(os if name == "_exit" else sys, name)(0))
    assert named in str(raised.value)
    assert os._exit is leave or name == "exit"


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda: None, 0),
        (lambda: sys.exit(3), 3),
        (lambda: sys.exit("why"), 1),
        (lambda: os._exit(4), 4),
        (dict.pop, 1),
    ],
)
def test_what_a_step_has_forked_ends_where_it_comes_back(end: Callable[[], object], status: int) -> None:
    """With the status that it would have at its end; the step goes on in its parent alone."""

    def step() -> int:
        child = os.fork()
        if child == 0:
            end()
            return 0
        return child

    assert os.waitstatus_to_exitcode(os.waitpid(lend(step), 0)[1]) == status


@pytest.mark.parametrize(
    "left", ["threading.Thread(target=time.sleep, args=(99,)).start()", "atexit.register(time.sleep, 99)"]
)
def test_what_a_kernel_left_running_holds_up_the_command_only_for_a_while(left: str, tmp_path: Path) -> None:
    (tmp_path / "lazy.py").write_text(f"""
import atexit, threading, time
import sweep

@sweep.kernel(outputs={{"y": sweep.Output((), (), "float64")}})
def lazy(x):
    {left}
    return x
""")
    name = written(
        tmp_path, {"name": "lazy", "seed": 1, "stages": {"s": {"kernel": "lazy:lazy", "axes": {"x": [1.0]}}}}
    )
    code = "import sweep.cli.main as it; it.SOON_SECONDS = it.LEFT_SECONDS = 0.1; it.main()"
    line = [sys.executable, "-c", code, "launch", name, "--executor", "inline"]
    ended = subprocess.run(
        line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert "All done" in ended.stdout
    assert ended.stderr.endswith("waiting at most 0.1 s for what a kernel or a hook has left running\n")
