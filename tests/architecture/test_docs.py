"""The pages of `docs/` and the files of `deploy/` name what there is, and the site is built without a warning."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks_of, check_command, commands_in_head, commands_of

import sweep

PAGES = sorted((ROOT / "docs").glob("*.md"))


def shell_blocks(page: Path) -> list[Block]:
    """Return the blocks of commands that are not run: `test_readme.py` runs the others."""
    return [block for block in blocks_of(page.read_text()) if block.language == "sh" and not block.label]


HEADS = [ROOT / "cluster.yaml", *sorted((ROOT / "deploy").glob("*.yaml"))]
COMMANDS = [
    *(line for page in PAGES for block in shell_blocks(page) for line in commands_of(block.text)),
    *(line for file in HEADS for line in commands_in_head(file.read_text())),
]


def test_there_are_commands_in_each() -> None:
    assert {page.stem for page in PAGES} >= {"clusters", "kubernetes", "slurm"}
    assert all(commands_in_head(file.read_text()) for file in HEADS)


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_commands_and_their_options_exist(line: str) -> None:
    check_command(line)


@pytest.mark.parametrize(
    "line",
    ["sweep launch g.yaml --stoer x", "ray upp cluster.yaml", "ray up deploy/gone.yaml", 'ray exec a.yaml "frob x"'],
)
def test_a_wrong_command_is_seen(line: str) -> None:
    with pytest.raises(AssertionError):
        check_command(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`((?:deploy|grids|examples|docs)/[\w.-]+|[\w-]+\.(?:yaml|txt))`", page.read_text()):
        assert (ROOT / name).exists(), name


def test_every_failure_that_is_promised_for_has_a_test() -> None:
    there = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    rows = [line for line in (ROOT / "docs/failures.md").read_text().splitlines() if line.startswith("|")]
    rows = [row for row in rows if not row.startswith(("| what happens", "|---"))]
    named = [re.findall(r"`(test_\w+)`", row) for row in rows]
    assert len(rows) > 20
    assert all(named)
    assert {name for names in named for name in names} <= there


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        folder / "trees",
        ROOT / "docs",
        folder,
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    return folder


def test_the_reference_has_all_public_names(site: Path) -> None:
    pages = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    described = set(re.findall(r'id="(?:module-)?(sweep[\w.]*)"', pages))
    rooms = [path for room in ("exact", "estimators") for path in (ROOT / "analysis" / room).glob("[a-z]*.py")]
    assert {f"sweep.analysis.{path.parent.name}.{path.stem}" for path in rooms} <= described
    assert {f"sweep.{name}" for name in sweep.__all__} <= described
    assert {
        "sweep.kernels.contract.Stationarity",
        "sweep.run.events.TaskDone",
        "sweep.kernels.ising.params.IsingParams",
    } <= described
