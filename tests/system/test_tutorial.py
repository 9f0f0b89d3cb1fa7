"""The notebooks of the tutorial run from top to bottom, each in a folder of its own; they check what they say."""

from __future__ import annotations

import base64
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pages import ROOT

NOTEBOOKS = sorted((ROOT / "docs/tutorial").glob("*.ipynb"))


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["1-first-sweep", "2-torus-dimension", "3-flow-ends"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(
        notebook, timeout=240, kernel_name="python3", resources=where
    ).execute()  # an error of a cell is raised


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_saved_as_it_ran(path: Path) -> None:
    """With outputs, since pages show them; all cells in order, and no warning or path of whoever ran it."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    streams = {output.name for cell in cells for output in cell.outputs if output.output_type == "stream"}
    assert streams <= {"stdout"}
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


def test_the_picture_of_the_readme_is_that_of_the_second_notebook() -> None:
    cells = nbformat.read(NOTEBOOKS[1], as_version=4).cells
    pictures = [
        output.data.get("image/png") for cell in cells for output in cell.get("outputs", []) if "data" in output
    ]
    assert base64.b64decode(next(filter(None, pictures))) == (ROOT / "docs/picture.png").read_bytes()
