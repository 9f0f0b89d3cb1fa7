"""What the README and the pages of `docs/` say is true: files are written, commands run, names exist."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, Block, blocks_of

from sweep.cli.commands import app

PAGES = {path: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
README = PAGES[ROOT / "README.md"]
TEXT = "\n".join(PAGES.values())
RUN = [block for page in PAGES.values() for block in blocks_of(page) if block.label]
SHELL = [block.text for block in blocks_of(README) if block.language == "sh"]
LINKS = [(path, link) for path, text in PAGES.items() for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", text)]


def do(block: Block, folder: Path) -> None:
    """Do what a reader would do with a block, in a folder of his own."""
    if block.label != "run":
        (folder / block.label).write_text(block.text)
        return
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    shell = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-W", "error", "-c"]}[block.language]
    result = subprocess.run(
        [*shell, block.text], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 0, f"{block.text}\n{result.stdout}\n{result.stderr}"


@pytest.mark.timeout(600)
def test_a_reader_can_follow_it_from_top_to_bottom(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "grids", tmp_path / "grids")
    for block in RUN:
        do(block, tmp_path)
    assert (tmp_path / "runs/first.report/index.html").stat().st_size > 0
    assert (tmp_path / "grid.schema.json").stat().st_size > 0


def test_blocks_are_found() -> None:
    assert {block.label for block in RUN} >= {"run", "first.yaml", "chain.yaml", "paramagnet.py"}
    assert len([block for block in RUN if block.label == "run"]) >= 5


def test_the_two_commands_stand_on_the_first_screen() -> None:
    first_screen = "\n".join(README.splitlines()[:30])
    assert first_screen.index("make demo") < first_screen.index("make test") < first_screen.index("pip install")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)\b", "\n".join(SHELL) + README))))
def test_make_targets_exist(target: str) -> None:
    result = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_table_of_the_command_is_complete() -> None:
    table = PAGES[ROOT / "docs/command.md"]
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"`sweep (\w+)", table)) == verbs


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:kernels|sweep|analysis)(?:\.\w+)+)`", TEXT))))
def test_names_exist(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`?([\w-]+(?:/[\w.-]+)*/|[\w-]+/[\w.-]+\.\w+)`", README))))
def test_paths_exist(path: str) -> None:
    assert path.startswith("runs/") or (ROOT / path).exists()


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda what: Path(what).name)
def test_links_lead_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link).exists()
