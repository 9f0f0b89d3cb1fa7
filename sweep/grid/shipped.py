"""The grids that come with the program: those of `grids/`, and the examples beside their kernels."""

from __future__ import annotations

from pathlib import Path

from sweep.errors import Problem, SweepError, did_you_mean

HERE = Path(__file__).parents[1]


def shipped_grids() -> dict[str, Path]:
    """Return the grids that come with the program, by name."""
    return {path.stem: path for folder in ("grids", "examples") for path in sorted((HERE / folder).glob("*.yaml"))}


def find_grid(path: Path) -> Path:
    """Return where a grid is: the file of that path, or else the grid of that name that comes with the program.

    Raises
    ------
    SweepError
        When a bare name is neither.
    """
    if path.is_file() or path.suffix or len(path.parts) != 1:
        return path
    there = shipped_grids()
    if path.name not in there:
        what = f"there is no such file, and no grid of this name comes with sweep; {did_you_mean(path.name, there)}"
        raise SweepError(Problem(str(path), what))
    return there[path.name]
