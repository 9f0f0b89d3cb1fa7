"""Grid files as nobody would write them: laid out, or refused with a place; no traceback, nothing written, in time.

A case that fails is named by its seed: `fuzzed(seed)` is the file.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from bombs import BOMBS
from fuzzed import SOUND, Case, flow, fuzzed

from sweep.cli.commands import main
from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.grid.load import load_grid
from sweep.run.driver import launch
from sweep.run.planner import Planner
from sweep.store.storage import Location
from sweep.store.store import Store

FILE = Path("grid.yaml")
SECONDS = 4.0  # of processor time, for what takes 2 where nobody else is at work
PLACE = re.compile(r"(grid\.yaml(:\d+)?|stages\.\S.*|--set .*|runs/\S+): .+|\.\.\. and \d+ mistakes more")
LONGEST = 60_000  # characters of 50 mistakes


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])


def planned(case: Case) -> Grid | SweepError:
    """Return the grid in a file, laid out; or why it is refused."""
    FILE.write_bytes(case.content)
    try:
        grid = load_grid(FILE, case.overrides)
        Planner(grid)(Store(Location(f"runs/{grid.name}.zarr")))
    except SweepError as error:
        return error
    return grid


def hold(case: Case) -> Grid | SweepError:
    """Return what became of a file, held to what is promised of any."""
    begun = time.process_time()
    found = planned(case)
    assert time.process_time() - begun < SECONDS
    assert list(Path().iterdir()) == [FILE], "something was written"
    lines = str(found).splitlines() if isinstance(found, SweepError) else found.notes
    unclear = [line for line in lines if not (PLACE.fullmatch(line) and line.isprintable())]
    assert not unclear, "mistakes without a place, or that do not stand on one line"
    assert sum(map(len, lines)) < LONGEST
    return found


def hold_all(seeds: Sequence[int]) -> Counter[str]:
    """Hold the files of some seeds, and return how many came to what end."""
    ends: Counter[str] = Counter()
    for seed in seeds:
        try:
            found = hold(fuzzed(seed))
            ends["refused" if isinstance(found, SweepError) else "laid out"] += 1
            if isinstance(found, Grid) and seed % 25 == 0:
                assert launch(found, "runs/g.zarr").complete, "what is laid out can be computed"
                shutil.rmtree("runs")
        except Exception as error:
            error.add_note(f"This is the file fuzzed({seed}).")
            raise
    return ends


def test_strange_grid_files_are_laid_out_or_refused_with_a_place() -> None:
    ends = hold_all(range(1500))
    assert min(ends["refused"], ends["laid out"]) > 100, "the files are neither all sound nor all hopeless"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1500, 101_500, 5000))
def test_a_hundred_thousand_strange_grid_files(first: int) -> None:
    hold_all(range(first, first + 5000))


@pytest.mark.parametrize("number", range(len(BOMBS)))
def test_bombs(number: int) -> None:
    for n in (1, 30, 1000):
        hold(Case(BOMBS[number](n).encode()))


def test_sound_files_are_laid_out() -> None:
    """What the others are made from by mutation."""
    for document in SOUND:
        assert isinstance(hold(Case(flow(document).encode())), Grid)


def test_the_command_ends_with_2_and_one_line_for_each_mistake(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told = 0
    for seed in range(0, 2000, 40):
        case = fuzzed(seed)
        found = hold(case)
        if isinstance(found, Grid):
            continue
        settings = [word for override in case.overrides for word in ("--set", override)]
        monkeypatch.setattr(sys, "argv", ["sweep", "launch", "--executor=inline", "grid.yaml", *settings])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert capfd.readouterr().err.splitlines() == str(found).splitlines()
        assert list(Path().iterdir()) == [FILE]
        told += 1
    assert told > 25
