"""A kernel's code is edited between two launches: refused with what differs and the ways out; looks may change."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from sweep.errors import SweepError
from sweep.grid.load import load_grid
from sweep.run import driver
from sweep.run.events import Event, Notice
from sweep.store.storage import Location
from sweep.store.store import Store

SWEEP = [sys.executable, "-c", "import sys; sys.argv[0] = 'sweep'; from sweep.cli.commands import main; main()"]
KERNEL = '''"""A number and a shift."""

from dataclasses import dataclass

import numpy as np

import shifts
from sweep.kernels.contract import Kernel, Output, parameter

FACTOR = 1.0


@dataclass(frozen=True)
class P:
    x: float = parameter("a number", default=0.0)
    samples: int = parameter("samples", default=2, ge=1, extent=True)


def outputs(p):
    return {"y": Output(("sample",), (p.samples,), "float64", block=1)}


def advance(p, state, rng, inputs, scale=2.0):
    """One sample."""
    return (), {"y": np.array([FACTOR * scale * p.x + shifts.shift(p.x)])}


EDITED = Kernel("edited", 1, P, outputs, lambda p, rng, inputs: (), advance, lambda p: 1e-3, lambda p: p.samples)
'''


def sweep(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [*SWEEP, *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
    )


def grid_text(x: str, samples: int, stage: str) -> str:
    kernel = f'{{kernel: "edited:EDITED", axes: {{x: {x}}}, params: {{samples: {samples}}}}}'
    return f"name: g\nseed: 1\nstages:\n  {stage}: {kernel}\n"


def forget() -> None:
    for name in ("edited", "shifts"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def launch(
    folder: Path, x: str = "[1, 2]", samples: int = 2, *, stage: str = "s", store: str = "s.zarr", accept: bool = False
) -> list[Event]:
    """Launch as a new process would, with the modules as they are in their files now."""
    forget()
    (folder / "g.yaml").write_text(grid_text(x, samples, stage))
    events: list[Event] = []
    grid = load_grid(folder / "g.yaml")
    assert driver.launch(grid, str(folder / store), listener=events.append, accept_code_change=accept).complete
    return events


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (folder / "s.zarr").rglob("*") if path.is_file()}


def manifest(folder: Path) -> dict[str, Any]:
    return Store(Location(str(folder / "s.zarr"))).manifest() or {}


def values(folder: Path, stage: str = "s") -> list[float]:
    with xr.open_datatree(folder / "s.zarr", engine="zarr") as tree:
        return np.asarray(tree[f"{stage}/y"].isel(sample=0)).tolist()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two edits in one second leave a stale file
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edited.py").write_text(KERNEL)
    (tmp_path / "shifts.py").write_text("def shift(x):\n    return 0.5\n")
    launch(tmp_path)
    yield tmp_path
    forget()


def edit(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


CHANGES = {
    "a helper beside the kernel": ("shifts.py", "0.5", "0.25", "module shifts: shift changed"),
    "a constant": ("edited.py", "FACTOR = 1.0", "FACTOR = 3.0", "module edited: FACTOR changed"),
    "a default argument": ("edited.py", "scale=2.0", "scale=4.0", "module edited: advance changed"),
    "a lambda": ("edited.py", "p: p.samples", "p: 1 * p.samples", "module edited: EDITED changed"),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_code_that_differs_is_refused_and_nothing_is_written(change: str, folder: Path) -> None:
    file, old, new, told = CHANGES[change]
    before = files_of(folder)
    edit(folder / file, old, new)
    with pytest.raises(SweepError) as refused:
        launch(folder, "[1, 2, 3]")
    assert f"stages.s: {told}" in str(refused.value)
    assert all(way in str(refused.value) for way in ("`version`", "another name", "--store", "--accept-code-change"))
    assert files_of(folder) == before
    edit(folder / file, new, old)
    launch(folder, "[1, 2, 3]")
    assert values(folder) == [2.5, 4.5, 6.5], "as it was, it goes on"


LOOKS: dict[str, Callable[[Path], object]] = {
    "a comment": lambda path: edit(path, "FACTOR = 1.0", "# what it is multiplied with\nFACTOR = 1.0  # one"),
    "the format": lambda path: edit(path, '{"y": np.array', "{\n        'y': np.array"),
    "a docstring": lambda path: edit(path, '"""One sample."""', '"""One sample, of more words."""'),
}
EXTENSIONS = {"an axis": ("[1, 2, 3]", 2), "longer": ("[1, 2]", 4)}


@pytest.mark.parametrize("looks", list(LOOKS))
@pytest.mark.parametrize("extension", list(EXTENSIONS))
def test_looks_are_no_change(looks: str, extension: str, folder: Path) -> None:
    LOOKS[looks](folder / "edited.py")
    launch(folder, *EXTENSIONS[extension])
    assert values(folder) == [2.5, 4.5, 6.5][: len(values(folder))]
    edit(folder / "edited.py", "FACTOR = 1.0", "FACTOR = 2.0")
    with pytest.raises(SweepError, match="FACTOR changed"):
        launch(folder, "[1, 2]", 6)


def test_an_unfinished_store_is_not_resumed_with_other_code(folder: Path) -> None:
    Store(Location(str(folder / "s.zarr"))).reset("s", (slice(1, 2),))
    edit(folder / "shifts.py", "0.5", "1.5")
    with pytest.raises(SweepError, match="module shifts: shift changed"):
        launch(folder)
    Store(Location(str(folder / "s.zarr"))).reset("s", (slice(0, 2),))
    launch(folder)
    assert values(folder) == [3.5, 5.5], "nothing was computed with the old code"
    assert "code_changes" not in manifest(folder)["stages"]["s"]


def test_a_change_that_is_accepted_is_recorded(folder: Path) -> None:
    made = manifest(folder)["stages"]["s"]
    edit(folder / "edited.py", "FACTOR * scale * p.x", "scale * FACTOR * p.x")
    told = [event.text for event in launch(folder, "[1, 2, 3]", accept=True) if isinstance(event, Notice)]
    assert told == ["accepted, and recorded: stages.s: module edited: advance changed"]
    kept = manifest(folder)["stages"]["s"]
    (change,) = kept["code_changes"]
    assert change["what"] == ["module edited: advance changed"]
    assert change["from"] == made["code"]
    assert set(change) >= {"time", "user", "machine"}
    assert kept["code"] != made["code"]
    assert kept["made"] == made["made"]
    assert kept["extended"]["time"] >= made["made"]["time"]
    launch(folder, "[1, 2, 3, 4]")  # the new code is the store's from now on
    assert manifest(folder)["stages"]["s"]["code_changes"] == [change]


def test_another_version_under_another_name_keeps_both(folder: Path) -> None:
    edit(folder / "edited.py", "FACTOR = 1.0", "FACTOR = 2.0")
    edit(folder / "edited.py", '"edited", 1', '"edited", 2')
    with pytest.raises(SweepError, match=r"stages\.s\.version was 1, is 2(.|\n)*rename the changed stages"):
        launch(folder)
    launch(folder, stage="t")
    assert values(folder) == [2.5, 4.5]
    assert values(folder, "t") == [4.5, 8.5]


def test_a_store_of_an_older_version_is_taken_and_given_a_fingerprint(folder: Path) -> None:
    root = json.loads((folder / "s.zarr" / "zarr.json").read_text())
    stages = json.loads(root["attributes"]["stages"])
    for entry in stages.values():
        for key in ("code", "grid", "made"):
            del entry[key]
    root["attributes"]["stages"] = stages  # as older versions have it
    (folder / "s.zarr" / "zarr.json").write_text(json.dumps(root))
    (folder / "s.zarr" / ".sweep" / "root").unlink(missing_ok=True)
    edit(folder / "edited.py", "FACTOR = 1.0", "FACTOR = 2.0")
    launch(folder, "[1, 2, 3]")
    assert set(manifest(folder)["stages"]["s"]["code"]["modules"]) == {"edited", "shifts"}
    edit(folder / "edited.py", "FACTOR = 2.0", "FACTOR = 3.0")
    with pytest.raises(SweepError, match="FACTOR changed"):
        launch(folder, "[1, 2, 3]")


def test_an_edit_while_a_launch_runs_is_told(folder: Path) -> None:
    edits = "with open('shifts.py', 'a') as file:\n        file.write('A = 1\\n')\n    "
    edit(folder / "shifts.py", "return 0.5", edits + "return 0.5")
    told = [event.text for event in launch(folder, store="other.zarr") if isinstance(event, Notice)]
    assert len(told) == 1
    assert "code was edited while this launch ran (stages.s: module shifts: A added" in told[0]


def test_the_command_refuses_with_status_2_and_goes_on_when_told(folder: Path) -> None:
    edit(folder / "shifts.py", "0.5", "0.25")
    words = ("launch", "g.yaml", "--executor", "inline", "--store", "s.zarr")
    refused = sweep(folder, *words)
    assert refused.returncode == 2
    assert "module shifts: shift changed" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert sweep(folder, *words, "--accept-code-change").returncode == 0


def test_every_launch_is_in_the_log(folder: Path) -> None:
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (["init", "-q"], ["add", "edited.py", "g.yaml"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    launch(folder, "[1, 2]")
    (folder / "g.yaml").write_text(grid_text("[1, 2, 3]", 2, "s"))
    assert sweep(folder, "launch", "g.yaml", "--executor", "inline", "--store", "s.zarr").returncode == 0
    status = json.loads(sweep(folder, "status", "s.zarr", "--json").stdout)
    first, second, third = status["launches"].values()
    assert list(status["launches"]) == ["1", "2", "3"]
    assert first["git"] == []
    assert [(Path(item["file"]).name, item["commit"], item["dirty"]) for item in second["git"]] == [
        ("g.yaml", commit, False),
        ("edited.py", commit, False),
    ]
    assert all(item["dirty"] for item in third["git"]), "the grid was edited"
    assert third["command"] == ["sweep", "launch", "g.yaml", "--executor", "inline", "--store", "s.zarr"]
    assert "[1, 2, 3]" in third["grid"]
    assert third["seed"] == 1
    assert set(third["code"]["s"]["modules"]) == {"edited", "shifts"}
    assert third["packages"]["numpy"] == np.__version__
    assert third["host"]["python"]
    assert third["ended"] >= third["time"] >= second["ended"]
    told = sweep(folder, "status", "s.zarr", "--launches").stdout
    assert f"git {commit[:10]} (edited)" in told
    assert "sweep launch g.yaml --executor inline" in told
