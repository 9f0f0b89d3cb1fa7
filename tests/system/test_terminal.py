"""A launch as a person sees it: progress redrawn in place, Ctrl-C, the same line again, another one that looks."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from commands import SWEEP, environment
from launching import assert_same, load, run
from terminal import needs_tmux, terminal

from sweep.grid.resolve import resolve

STAGE = {"kernel": "toys:DOZE", "axes": {"size": [1, 2, 3, 4, 5, 6]}, "params": {"steps": 5, "doze": 0.2}}
GRID = {"name": "seen", "seed": 3, "stages": {"doze": STAGE}}
LINE = shlex.join([*SWEEP, "launch", "seen.yaml", "--executor", "inline"])


@needs_tmux
@pytest.mark.timeout(180)
def test_watched_stopped_resumed_and_looked_at(tmp_path: Path) -> None:
    (tmp_path / "seen.yaml").write_text(yaml.safe_dump(GRID))
    with terminal(tmp_path, environment()) as mine, terminal(tmp_path, environment()) as other:
        mine.type(LINE)
        first = mine.wait_for(r"doze .* 1 of 6")
        mine.press("C-c")
        mine.wait_for(r"stopping \(Ctrl-C\)")
        stopped = mine.wait_for(r"To go on")
        mine.type("echo status $?")
        mine.wait_for(r"status 130")
        mine.type("clear; " + LINE)
        mine.wait_for(r"doze .* [23] of 6")
        other.type(shlex.join([*SWEEP, "status", "runs/seen.zarr", "--follow"]))
        looked = other.wait_for(r"doze .* [3-5] of 6")
        mine.wait_for(r"All done: runs/seen.zarr")
        ended = other.wait_for(r"doze .* 6 of 6")
        whole = mine.all()
    for screen in (first, stopped, looked, ended):
        assert len(re.findall(r"^\s*doze ", screen, re.MULTILINE)) == 1, f"redrawn in place:\n{screen}"
    assert "Traceback" not in whole
    assert "at work now" in looked
    run(resolve(GRID, yaml.safe_dump(GRID), "seen.yaml"), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "runs/seen.zarr"), load(tmp_path / "fresh.zarr"))
