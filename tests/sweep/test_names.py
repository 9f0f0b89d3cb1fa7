"""Names that meet in one node are checked before anything is written: each kind of unlucky name, one clear line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
import xarray as xr
from launching import load, run

from sweep.errors import SweepError
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State, parameter
from sweep.laws import check_kernel
from sweep.planning.names import folded
from sweep.run.driver import launch


@dataclass(frozen=True)
class Params:
    x: float = parameter("a number", default=0.0)
    done: float = parameter("how far", default=0.0)
    X: float = parameter("another number", default=0.0)
    word: str = parameter("a word", default="a")
    z: float = parameter("a third number", default=0.0)


def kernel_with(given: dict[str, Output], **changes: Any) -> Kernel[Params]:
    def advance(params: Params, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
        return (), {name: np.zeros(output.shape, output.dtype) for name, output in given.items()}

    plain: Kernel[Params] = Kernel(
        name="odd",
        version=1,
        params=Params,
        outputs=lambda params: given,
        init=lambda params, rng, inputs: (),
        advance=advance,
        cost=lambda params: 1e-4,
        example=Params(),
    )
    return replace(plain, **changes)


def grid_of(axes: dict[str, Any], *names: str, kernel: str = "toys:ODD") -> Grid:
    stages = {name: {"kernel": kernel, "axes": axes} for name in names or ("s",)}
    return resolve({"name": "names", "seed": 1, "stages": stages}, "", "names.yaml")


Y = Output((), (), "float64")
SERIES = Output(("sample",), (3,), "float64")
UNLUCKY = {
    "done": ({"done": Y}, "the output 'done' is the name of the array of the framework"),
    "Done": ({"Done": Y}, "the output 'Done' and the array of the framework 'done' are one name"),
    "blocks": ({"y": Output(("blocks",), (2,), "int64")}, "the inner dimension 'blocks' is the name"),
    "an axis": ({"x": Y}, "the output 'x' is the name of the axis"),
    "a dimension like an axis": (
        {"y": Output(("x",), (2,), "float64")},
        "inner dimension 'x' is the name of the axis",
    ),
    "its own dimension": ({"sample": SERIES}, "the output 'sample' is the name of the inner dimension"),
    "case": ({"M": Y, "m": Y}, "the output 'm' and the output 'M' are one name"),
    "Unicode": ({"\u00b5": Y, "\u03bc": Y}, "are one name"),  # micro sign and mu
    "ligature": ({"\ufb01t": Y, "fit": Y}, "are one name"),
    "slash": ({"a/b": Y}, "the output 'a/b' cannot be used: found '/' in it"),
    "up": ({"..": Y}, "begins with '.'"),
    "backslash": ({"a\\b": Y}, "found a backslash"),
    "node": ({"x=1": Y}, "found '=' in it"),
    "zarr's own": ({"zarr.json": Y}, "is the name of the file of Zarr"),
    "reserved by zarr": ({"__y": Y}, "begins with '.' or '__'"),
    "newline": ({"a\nb": Y}, "found a control character"),
    "empty": ({"": Y}, "it is empty"),
    "long": ({"y" * 260: Y}, "it is 260 bytes long"),
    "long in bytes": ({"\u03b1" * 120: Y}, "it is 240 bytes long"),
    "object": ({"y": Output((), (), "object")}, "dtype 'object'; wanted the name of a number type"),
    "no dtype": ({"y": Output((), (), "floaty")}, "dtype 'floaty' is no numpy dtype"),
    "time": ({"y": Output((), (), "datetime64[ns]")}, "dtype 'datetime64[ns]'"),
    "dims and shape": ({"y": Output((), (3,), "float64")}, "dims () and shape (3,)"),
    "a dimension twice": ({"y": Output(("i", "i"), (3, 3), "float64")}, "wanted one name, each once"),
    "two lengths": (
        {"y": SERIES, "z": Output(("sample",), (4,), "float64")},
        "'sample' is 3 long in y and 4 in z",
    ),
    "labels": ({"y": Output(("i",), (3,), "float64", coords={"i": np.arange(2)})}, "labels of 'i' have shape (2,)"),
    "nothing": ({}, "there are no outputs"),
    "too few blocks": ({"y": Output(("i",), (6,), "float64", block=2)}, "1 blocks of 2 do not fill its length 6"),
}


@pytest.mark.parametrize("case", list(UNLUCKY))
def test_unlucky_outputs_are_refused_before_anything_is_written(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, problem = UNLUCKY[case]
    monkeypatch.setattr(toys, "ODD", kernel_with(outputs), raising=False)
    with pytest.raises(SweepError) as caught:
        launch(grid_of({"x": [1.0, 2.0]}), str(tmp_path / "s.zarr"))
    (line,) = str(caught.value).splitlines()
    assert line.startswith("stages.s: kernel odd: ")
    assert problem in line
    assert not list(tmp_path.iterdir())
    assert next(result for result in check_kernel(toys.ODD, ["schema"])).verdict.name == "failed"  # type: ignore[attr-defined]


UNSURE = {
    "blocks": ({"blocks": lambda params: 0}, "blocks is 0; wanted a whole number, 1 or more"),
    "more blocks than can be counted": ({"blocks": lambda params: 10**12}, "found 1000000000000 blocks; wanted fewer"),
    "blocks of a half": ({"blocks": lambda params: 1.5}, "blocks is 1.5"),
    "cost": ({"cost": lambda params: float("nan")}, "cost is nan; wanted seconds"),
    "raises": ({"outputs": lambda params: 1 / 0}, "cannot say what it gives: ZeroDivisionError"),
    "gives a list": ({"outputs": lambda params: ["y"]}, "outputs is a list; wanted a mapping"),
}


@pytest.mark.parametrize("case", list(UNSURE))
def test_a_kernel_that_cannot_say_what_it_does(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, problem = UNSURE[case]
    monkeypatch.setattr(toys, "ODD", kernel_with({"y": Y}, **changes), raising=False)
    with pytest.raises(SweepError, match=problem):
        launch(grid_of({"x": [1.0]}), str(tmp_path / "s.zarr"))
    assert not list(tmp_path.iterdir())


@dataclass(frozen=True)
class Choosy(Params):
    def __post_init__(self) -> None:
        _ = 1 / (self.x - 2.0)


def _at_both(params: Params) -> float:
    """A cost that nobody can say at one point in the middle of the grid."""
    return 1e-4 / abs(params.x * params.z - 1.0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cost": _at_both}, "stages.s: kernel odd cannot say what it does: ZeroDivisionError: .* (at x 1.0, z 1.0)"),
        ({"blocks": lambda params: 1 if params.x * params.z != 1.0 else int("")}, "ValueError: .* (at x 1.0, z 1.0)"),
        (
            {"blocks": lambda params: 1 + 2**40 * int(params.x * params.z)},
            "found 4398046511105 blocks; wanted fewer than .* (at x 2.0, z 2.0)",
        ),
        ({"outputs": lambda params: {"y": Y} if params.x < 1.0 else {"z": Y}}, "gives z here and y elsewhere"),
        ({"params": Choosy}, "stages.s.params: ZeroDivisionError: .* (at x 2.0, z 0.0)"),
    ],
)
def test_a_kernel_that_raises_somewhere_in_the_grid(
    changes: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toys, "ODD", kernel_with({"y": Y}, **changes), raising=False)
    with pytest.raises(SweepError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        launch(grid_of({"x": [0.0, 1.0, 2.0], "z": [0.0, 1.0, 2.0]}), str(tmp_path / "s.zarr"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("axes", [{"done": [1.0]}, {"x": [1.0], "X": [1.0]}])
def test_unlucky_axes(axes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "ODD", kernel_with({"y": Y}), raising=False)
    with pytest.raises(SweepError, match=r"the axis '.*' (is the name of|and the axis)"):
        launch(grid_of(axes), str(tmp_path / "s.zarr"))
    run(grid_of({"X": [1.0]}), tmp_path / "s.zarr")  # parameters may differ by case, as J and j do


def shaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel whose shape depends on a word, so that each word leads to a node."""
    by_word = kernel_with(
        {},
        outputs=lambda params: {"z": Output(("letter",), (len(params.word),), "float64")},
        advance=lambda params, state, rng, inputs: ((), {"z": np.zeros(len(params.word))}),
    )
    monkeypatch.setattr(toys, "ODD", by_word, raising=False)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["x/../y", "ab"], "the word 'x/../y' cannot name a node: found '/' in it"),
        (["a" * 260, "ab"], "bytes long"),
        (["Wolff", "wolff", "ab"], "the word 'wolff' and the word 'Wolff' are one name"),
        (["a\tb", "a"], "a control character"),
        (["a ", "abc"], "ends with a space"),
    ],
)
def test_words_that_lead_to_nodes(
    words: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaped(monkeypatch)
    with pytest.raises(SweepError) as caught:
        launch(grid_of({"word": words}), str(tmp_path / "s.zarr"))
    assert problem in str(caught.value)
    assert "stages.s.axes.word: " in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_words_that_lead_nowhere_may_be_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toys, "ODD", kernel_with({"y": Y}), raising=False)
    run(grid_of({"word": ["x/../y", "Wolff", "wolff", "a" * 260]}), tmp_path / "s.zarr")
    assert load(tmp_path / "s.zarr")["s"]["word"].values.tolist()[:3] == ["x/../y", "Wolff", "wolff"]


@pytest.mark.parametrize("name", ["RBM", "a/b", "..", ".sweep", "x=1", "", "r" * 300, "zarr.json"])
def test_stages(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is held against the stages of the grid, and those that a store has of other grids."""
    monkeypatch.setattr(toys, "ODD", kernel_with({"y": Y}), raising=False)
    run(grid_of({"x": [1.0]}, "rbm"), tmp_path / "s.zarr")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(SweepError, match="stages"):
        launch(grid_of({"x": [1.0]}, name), str(tmp_path / "s.zarr"))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    run(grid_of({"x": [1.0]}, "rbm"), tmp_path / "s.zarr")
    with xr.open_datatree(str(tmp_path / "s.zarr")) as tree:
        assert list(tree.children) == ["rbm"]


def test_folding() -> None:
    assert folded("STRASSE") == folded("stra\u00dfe")
    assert folded("\u212b") == folded("a\u030a")  # angstrom sign; a with a ring that combines
    assert folded("energy") != folded("energy2")


@pytest.mark.parametrize(("what", "value"), [("blocks", 0), ("blocks", 1.5), ("blocks", 2**31), ("cost", float("nan"))])
def test_work_that_makes_no_sense_at_a_point_inside_the_grid(
    what: str, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a point differs from the first in more than one label."""
    odd = kernel_with({"y": Y}, **{what: lambda params: value if (params.x, params.word) == (2.0, "b") else 1})
    monkeypatch.setattr(toys, "ODD", odd, raising=False)
    with pytest.raises(SweepError, match=rf"stages\.s: kernel odd: .*{what}.*\(at x 2\.0, word 'b'\)"):
        launch(grid_of({"x": [1.0, 2.0, 3.0], "word": ["a", "b"]}), str(tmp_path / "s.zarr"))
    assert not list(tmp_path.iterdir())
