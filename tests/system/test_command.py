"""The command, as a person uses it: real processes, real signals, exit statuses, what is printed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from commands import SWEEP, environment
from launching import GRID, assert_same, grid_with, load, run


def sweep(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SWEEP, *words], cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=200
    )


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    path = tmp_path / "toy.yaml"
    path.write_text(yaml.safe_dump(GRID, sort_keys=False))
    return path


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("launch ", {"quick", "section3", "toy.yaml"}),
        ("launch to", set[str]()),  # the shell's own paths
        ("kernels ising_", {"ising_machine"}),
        ("stat", {"status"}),
    ],
)
def test_what_the_shell_completes(line: str, wanted: set[str], grid: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SWEEP_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"sweep {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"{line}.".split())))
    command = [sys.executable, "-c", f"import sys; sys.argv = ['sweep']; {SWEEP[-1]}"]
    done = subprocess.run(command, cwd=grid.parent, capture_output=True, text=True, check=False, timeout=60)
    assert set(done.stdout.split()) >= wanted
    assert bool(done.stdout.split()) == bool(wanted)


def test_launch_status_and_plan(grid: Path, tmp_path: Path) -> None:
    planned = sweep("launch", "toy.yaml", "--dry-run", cwd=tmp_path)
    assert planned.returncode == 0
    assert "of one core, " in planned.stdout
    assert not (tmp_path / "runs").exists()
    launched = sweep("launch", "toy.yaml", "--executor", "inline", cwd=tmp_path)
    assert launched.returncode == 0, launched.stderr
    assert "All done: runs/toy.zarr" in launched.stdout
    told = sweep("status", "runs/toy.zarr", "--json", cwd=tmp_path)
    status = json.loads(told.stdout)
    assert status["complete"]
    assert status["stages"]["throw"]["done"] == status["stages"]["throw"]["points"] == 18


def test_a_report_whose_exhibit_raises_says_so_and_has_all_else(grid: Path, tmp_path: Path) -> None:
    assert sweep("launch", "toy.yaml", "--executor", "inline", "-q", cwd=tmp_path).returncode == 0
    (tmp_path / "theirs-1.dist-info").mkdir()
    (tmp_path / "theirs-1.dist-info/METADATA").write_text("Name: theirs\nVersion: 1\n")
    (tmp_path / "theirs-1.dist-info/entry_points.txt").write_text("[sweep.exhibits]\nfree-spins = theirs:figure\n")
    (tmp_path / "theirs.py").write_text("def figure(tree):\n    return tree['no such stage']\n")
    told = sweep("report", "runs/toy.zarr", cwd=tmp_path)
    (line,) = told.stderr.splitlines()
    assert told.returncode == 1, line
    assert line.startswith("runs/toy.report/index.html: free-spins could not be made: KeyError: ")
    assert line.endswith("; the report has all else")
    assert "stage-throw.png" in (tmp_path / "runs/toy.report/index.html").read_text()


def test_a_count_without_its_name_is_told_of_in_one_line(tmp_path: Path) -> None:
    text = "name: k\nseed: 1\nstages:\n  s: {kernel: 'kinds:KINDS', axes: {%s, realisation: 2}}\n"
    (tmp_path / "k.yaml").write_text(text % "n: 2")
    planned = sweep("plan", "k.yaml", cwd=tmp_path)
    assert planned.returncode == 0, planned.stderr
    (line,) = planned.stderr.splitlines()
    assert line.startswith("k.yaml: stages.s.axes.n: 2 alone is read as a count")
    (tmp_path / "k.yaml").write_text(text % "x: 2")
    refused = sweep("launch", "k.yaml", "--executor", "inline", cwd=tmp_path)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "axes.x: found 2 alone, which may be a label or a count" in refused.stderr
    assert not (tmp_path / "runs").exists()


def test_export_writes_what_it_says(grid: Path, tmp_path: Path) -> None:
    run(grid_with(), tmp_path / "toy.zarr")
    words = ("export", "toy.zarr", "--stage", "walk", "--to", "walk.csv")
    refused = sweep(*words, cwd=tmp_path)
    assert refused.returncode == 2
    assert "do not fit in one table: distance (size, realisation, step); mean (size, realisation)" in refused.stderr
    written = sweep(*words, "--variable", "mean", cwd=tmp_path)
    assert (written.returncode, written.stdout) == (0, "Written: walk.csv\n")
    assert "\nsize,realisation,mean\n3,0," in (tmp_path / "walk.csv").read_text()
    again = sweep(*words, "--variable", "mean", cwd=tmp_path)
    assert (again.returncode, "--force" in again.stderr) == (2, True)


def test_a_shipped_grid_goes_by_its_name(tmp_path: Path) -> None:
    listed = sweep("grids", cwd=tmp_path)
    assert {line.split()[0] for line in listed.stdout.splitlines()} >= {"quick", "section3", "potts"}
    assert "\nname: potts\n" in sweep("grids", "potts", cwd=tmp_path).stdout
    for name in ("potts", "quick"):
        planned = sweep("plan", name, cwd=tmp_path)
        assert planned.returncode == 0, planned.stderr
    unknown = sweep("plan", "quikc", cwd=tmp_path)
    assert (unknown.returncode, "did you mean 'quick'?" in unknown.stderr) == (2, True)


def test_mistakes_go_to_stderr_in_a_line_with_status_2(grid: Path, tmp_path: Path) -> None:
    wrong = sweep("launch", "toy.yaml", "--set", "stages.throw.params.throws=0", cwd=tmp_path)
    assert wrong.returncode == 2
    assert re.fullmatch(r"toy.yaml:\d+: stages.throw.params.throws: found 0; wanted >= 1", wrong.stderr.strip())
    assert not (tmp_path / "runs").exists()
    debugged = sweep("launch", "toy.yaml", "--set", "stages.throw.params.throws=0", "--debug", cwd=tmp_path)
    assert "Traceback" in debugged.stderr
    nowhere = sweep("status", "nowhere.zarr", cwd=tmp_path)
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "there is no store here" in nowhere.stderr


def test_failed_task_is_set_aside_and_the_others_go_on(grid: Path, tmp_path: Path) -> None:
    failed = sweep(
        "launch", "toy.yaml", "--executor", "inline", "--set", "stages.walk.kernel=toys:BROKEN", cwd=tmp_path
    )
    assert failed.returncode == 1
    assert "set aside" in failed.stdout
    told = sweep("status", "runs/toy.zarr", cwd=tmp_path)
    assert "FloatingPointError: the walk left the lattice" in told.stdout
    assert load(tmp_path / "runs" / "toy.zarr")["throw"]["done"].all()


def test_ctrl_c_keeps_what_is_done_and_the_printed_line_resumes(grid: Path, tmp_path: Path) -> None:
    slow = {"stages.walk.kernel": "toys:SLOW", "stages.walk.params.steps": 40}
    settings = [word for key, value in slow.items() for word in ("--set", f"{key}={value}")]
    command = [*SWEEP, "launch", "toy.yaml", "--workers", "2", *settings]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        _wait_for_walks(tmp_path / "runs" / "toy.zarr")
        running.send_signal(signal.SIGINT)
        printed, _ = running.communicate(timeout=100)
    assert running.returncode == 130
    assert "Interrupted; what is done is kept." in printed
    resumed = sweep("launch", "toy.yaml", "--executor", "inline", *settings, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    run(grid_with(walk__kernel="toys:SLOW", walk__params={"steps": 40}), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "runs" / "toy.zarr"), load(tmp_path / "fresh.zarr"))


def _wait_for_walks(store: Path) -> None:
    """Wait until the second stage can have begun: the first one is complete."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if (store / "throw" / "done" / "c").exists():
            time.sleep(1.0)
            return
        time.sleep(0.1)
    raise TimeoutError("the launch did not get going")


def test_kernels_and_schema(tmp_path: Path) -> None:
    listed = sweep("kernels", cwd=tmp_path)
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in ("ising (", "rbm (", "thermometer (", "rbm_flow (", "J/k_B"))
    schema = json.loads(sweep("schema", cwd=tmp_path).stdout)
    assert set(schema["required"]) == {"name", "seed", "stages"}
