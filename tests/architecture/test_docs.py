"""The pages of `docs/` and the files of `deploy/` name commands, options and files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import ROOT, blocks_of, check_command, commands_in_head, commands_of

PAGES = sorted((ROOT / "docs").glob("*.md"))
HEADS = [ROOT / "cluster.yaml", *sorted((ROOT / "deploy").glob("*.yaml"))]
COMMANDS = [
    *(line for page in PAGES for block in blocks_of(page.read_text()) for line in commands_of(block.text)),
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
