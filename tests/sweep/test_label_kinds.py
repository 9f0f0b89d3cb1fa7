"""An axis has labels of one kind, kept as they were written; a store keeps what it has, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml
from launching import assert_same, load, points_done, run

from sweep.errors import SweepError
from sweep.grid.axes import CRITICAL_TEMPERATURE, expand
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.run.driver import launch
from sweep.run.events import Event
from sweep.store.storage import Location
from sweep.store.store import Store
from sweep.verification import verify_store


def grid(axes: dict[str, Any], params: dict[str, Any] | None = None, **stages: Any) -> Grid:
    """Return a grid of the stage `s`, and of what reads it."""
    stage = {"kernel": "kinds:KINDS", "axes": axes, "params": params or {}}
    document = {"name": "kinds", "seed": 3, "stages": {"s": stage, **stages}}
    text = yaml.safe_dump(document, sort_keys=False)
    return resolve(yaml.safe_load(text), text, "kinds.yaml")


def computed(wanted: Grid, store: Path) -> int:
    events: list[Event] = []
    run(wanted, store, listener=events.append)
    return points_done(events)


def bits(values: Any) -> list[str]:
    return [float(value).hex() for value in np.ravel(values)]


def assert_whole(store: Path) -> None:
    assert verify_store(Store(Location(str(store))), everything=True).findings == ()


@pytest.mark.parametrize(
    ("form", "kind", "wanted"),
    [
        ([True, False], None, (True, False)),
        ([True], bool, (True,)),
        ([1, 2.5], None, (1.0, 2.5)),
        ([1, 2], float, (1.0, 2.0)),
        ([1e4, 2], int, (10000, 2)),
        ({"count": 1e1}, int, tuple(range(10))),
        ({"count": 2}, float, (0.0, 1.0)),
        ({"start": 1, "stop": 5, "step": 2}, int, (1, 3, 5)),
        ([2**63 - 1, -(2**63)], int, (2**63 - 1, -(2**63))),
        ("up", None, ("up",)),
        (["yes", "no"], str, ("yes", "no")),
        (["critical"], str, ("critical",)),
    ],
)
def test_labels_of_one_kind(form: Any, kind: type | None, wanted: tuple[Any, ...]) -> None:
    found = expand(form, kind)
    assert found == wanted
    assert [type(label) for label in found] == [type(label) for label in wanted]


@pytest.mark.parametrize(
    ("axes", "problem"),
    [
        ({"x": [True, False]}, "axes.x: found True (true or false); wanted a number"),
        ({"x": True}, "axes.x: found True; wanted a list"),
        ({"n": [True, 2]}, "axes.n: found True (true or false); wanted a whole number"),
        ({"n": ["yes", "no"]}, "axes.n: found 'yes' (a word); wanted a whole number"),
        ({"n": [1.5]}, "axes.n: found 1.5 (a number); wanted a whole number"),
        ({"n": [2**63]}, "axes.n: found 9223372036854775808; wanted a whole number of 64 bits"),
        ({"n": [-(2**63) - 1]}, "axes.n: found -9223372036854775809; wanted a whole number of 64 bits"),
        ({"n": [1e300]}, "wanted a whole number of 64 bits"),
        ({"x": [2**53 + 1]}, "axes.x: found 9007199254740993, which has more digits than a number of 64 bits"),
        ({"x": [10**400]}, "which has more digits than a number of 64 bits"),
        ({"x": ["a", 1]}, "axes.x: found 'a' (a word); wanted a number"),
        ({"x": [float("nan")]}, "axes.x: found nan, which is not even equal to itself; wanted finite numbers"),
        ({"x": [float("inf")]}, "axes.x: found inf; wanted finite numbers"),
        ({"x": {"linspace": [0, 1e999, 3]}}, "axes.x: last: found inf; wanted finite numbers"),
        ({"x": {"linspace": [-1.7e308, 1.7e308, 3]}}, "wanted finite numbers"),
        ({"x": {"start": 0, "stop": 1, "step": 1e-300}}, "steps from start to stop; wanted fewer than 1000000"),
        ({"x": {"start": 0, "stop": 1, "step": True}}, "axes.x: step: found True (true or false); wanted a number"),
        ({"x": [2.0, 2.0 + 1e-13]}, "axes.x: 2.0 and 2.0000000000001 agree to 12 digits, and so are one label"),
        ({"x": [None]}, "axes.x: found nothing; wanted a number"),
        ({"x": [[1.0]]}, "axes.x: found a list; wanted a number"),
        ({"x": None}, "axes.x: found nothing; wanted a list"),
        ({"x": {}}, "axes.x: found the keys of none; wanted a list"),
        ({"x": {"count": True}}, "axes.x: found the count True; wanted a whole number, 1 or more"),
        ({"x": {"count": 0}}, "axes.x: found the count 0; wanted a whole number, 1 or more"),
        ({"x": {"count": 1e18}}, "axes.x: found the count 1e+18; wanted a whole number, 1 or more, 1000000 at most"),
        ({"word": ["a", ""]}, "axes.word: found '', the empty word"),
        ({"word": ["a", 1]}, "axes.word: found 1 (a whole number); wanted a word"),
        ({"word": [True]}, "axes.word: found True (true or false); wanted a word"),
        ({"flag": [True, 1]}, "axes.flag: found 1 (a whole number); wanted true or false"),
        ({"flag": ["true"]}, "axes.flag: found 'true' (a word); wanted true or false"),
        ({"flag": True}, "axes.flag: found True; wanted a list"),
        ({"realisation": True}, "axes.realisation: found True; wanted a list"),
        ({"realisation": [0, 1, 2.5]}, "axes.realisation: found 2.5 (a number); wanted a whole number"),
        ({"realisation": ["a", 1]}, "axes.realisation: found 'a' (a word); wanted a whole number"),
        ({"realisation": [True, False]}, "axes.realisation: found True (true or false); wanted a whole number"),
        ({"realisation": 2.5}, "axes.realisation: found the count 2.5; wanted a whole number, 1 or more"),
        ({"realisation": 10**9}, "found the count 1000000000; wanted a whole number, 1 or more, 1000000 at most"),
    ],
)
def test_labels_of_another_kind_are_refused(axes: dict[str, Any], problem: str) -> None:
    with pytest.raises(SweepError) as caught:
        grid(axes)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("kinds.yaml: stages.s.axes.")
    assert problem in line


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"cpus": True}, "stages.s.cpus: found True; wanted a whole number"),
        ({"cpus": "2"}, "stages.s.cpus: found '2'; wanted a whole number"),
        ({"cpus": 1.5}, "stages.s.cpus: found 1.5; wanted a whole number"),
        ({"params": {"rows": True}}, "stages.s.params.rows: found True (true or false); wanted a whole number"),
        ({"params": {"rows": 1.5}}, "stages.s.params.rows: found 1.5 (a number); wanted a whole number"),
        ({"params": {"flag": 1}}, "stages.s.params.flag: found 1 (a whole number); wanted true or false"),
        ({"params": {"x": float("nan")}}, "stages.s.params.x: found nan"),
    ],
)
def test_true_is_no_count_and_no_number(changes: dict[str, Any], problem: str) -> None:
    stage = {"kernel": "kinds:KINDS", "axes": {"n": [1]}, **changes}
    with pytest.raises(SweepError) as caught:
        resolve({"name": "kinds", "seed": 3, "stages": {"s": stage}}, "", "kinds.yaml")
    assert problem in str(caught.value)


def test_whole_numbers_with_an_exponent_are_whole_numbers() -> None:
    stage = {"kernel": "kinds:KINDS", "axes": {"realisation": 1e1, "n": [1e3]}, "params": {"rows": 4e0}, "cpus": 2e0}
    found = resolve({"name": "kinds", "seed": 1e3, "stages": {"s": stage}}, "", "kinds.yaml")
    assert (found.seed, found.stages["s"].resources.cpus, found.stages["s"].params["rows"]) == (1000, 2, 4)
    assert found.stages["s"].axes == {"realisation": tuple(range(10)), "n": (1000,)}


def test_a_number_alone_is_a_count_with_a_line_or_refused() -> None:
    found = grid({"n": 2, "realisation": 3})
    assert found.stages["s"].axes == {"n": (0, 1), "realisation": (0, 1, 2)}
    (note,) = found.notes
    assert note.startswith("kinds.yaml: stages.s.axes.n: 2 alone is read as a count")
    assert "{count: 2}" in note
    assert "[2]" in note
    assert grid({"n": {"count": 2}}).notes == grid({"n": [2]}).notes == ()
    for axis, form in (("x", 2), ("x", 2.5), ("n", 2.5), ("word", 2), ("flag", 2)):
        with pytest.raises(SweepError) as caught:
            grid({axis: form})
        assert f"axes.{axis}: found {form} alone, which may be a label or a count; wanted [{form}]" in str(caught.value)
        assert "{count: 3}" in str(caught.value)


def test_a_store_made_with_a_count_for_a_float_axis_is_verified(tmp_path: Path) -> None:
    """The text in a store that an older version made may say so."""
    text = "name: k\nseed: 1\nstages:\n  s: {kernel: 'kinds:KINDS', axes: {x: 2}}\n"
    wanted = resolve(yaml.safe_load(text), text, "old.yaml", of_store=True)
    run(wanted, tmp_path / "s.zarr")
    assert load(tmp_path / "s.zarr")["s"]["x"].values.tolist() == [0.0, 1.0]
    assert_whole(tmp_path / "s.zarr")


def test_flags_as_an_axis(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    run(grid({"flag": [True], "n": [1, 2]}), store)
    before = load(store)
    assert computed(grid({"flag": [True, False], "n": [1, 2]}), store) == 2
    tree = load(store)
    assert tree["s"]["flag"].dtype == np.bool_
    assert tree["s"]["flag"].values.tolist() == [False, True]
    assert tree["s"]["sum"].sel(flag=True).values.tolist() == [2.0, 3.0]
    assert tree["s"]["sum"].sel(flag=False).values.tolist() == [1.0, 2.0]
    assert tree["s/flag=True"]["width"].sizes["column"] == 3
    assert tree["s/flag=False"]["width"].sizes["column"] == 2
    assert tree["s/flag=True"]["flag"].item() is True
    assert bits(tree["s"]["noise"].sel(flag=True)) == bits(before["s"]["noise"])
    run(grid({"flag": [False, True], "n": [1, 2]}), tmp_path / "fresh.zarr")
    assert_same(tree, load(tmp_path / "fresh.zarr"))
    assert_whole(store)


def test_labels_and_parameters_reach_the_kernel_to_the_bit(tmp_path: Path) -> None:
    axes = {"x": {"linspace": [2.0, 2.5, 7]}, "scale": ["critical", 1 / 3]}
    run(grid(axes), tmp_path / "s.zarr")
    tree = load(tmp_path / "s.zarr")["s"].to_dataset()
    x = np.linspace(2.0, 2.5, 7)
    assert bits(tree["x"]) == bits(x)
    assert bits(tree["scale"]) == bits([1 / 3, CRITICAL_TEMPERATURE])  # ascending
    assert bits(tree["given"].isel(scale=0)) == bits(x)
    assert bits(tree["scale_given"].isel(x=0)) == bits(tree["scale"])
    curve = xr.DataArray(np.zeros(7), coords={"x": x}, dims="x")
    assert (tree["given"] - curve).sizes["x"] == 7
    assert float(tree["given"].sel(x=x[1]).isel(scale=0)) == x[1]
    assert_whole(tmp_path / "s.zarr")


@pytest.mark.parametrize("first", ["rounded", "exact"])
def test_the_digits_beyond_the_twelfth_are_those_that_the_store_was_made_with(tmp_path: Path, first: str) -> None:
    """Rounded is what older versions wrote; nothing is computed again, and what is new joins what is there."""
    exact = np.linspace(2.0, 2.5, 7).tolist()
    rounded = [float(f"{x:.12g}") for x in exact]
    scale = {"exact": 1 / 3, "rounded": float(f"{1 / 3:.12g}")}
    labels = {"exact": exact, "rounded": rounded}
    second = "exact" if first == "rounded" else "rounded"
    reads = {"kernel": "kinds:READS", "inputs": {"data": "s"}}
    joined = {"kernel": "kinds:READS", "inputs": {"data": "s"}, "axes": {"x": labels[second][:2]}}
    store = tmp_path / "s.zarr"
    run(grid({"x": labels[first]}, {"scale": scale[first]}, whole=reads), store)
    before = load(store)
    again = grid({"x": labels[second]}, {"scale": scale[second]}, whole=reads)
    assert computed(again, store) == 0
    assert_same(load(store), before)
    larger = grid({"x": [1.0, *labels[second]]}, {"scale": scale[second]}, whole=reads, joined=joined)
    with pytest.raises(SweepError, match=r"stages\.whole\.inputs\.data\.labels"):
        launch(larger, str(store))
    selected = {**reads, "inputs": {"data": {"stage": "s", "select": {"x": labels[second]}}}}
    larger = grid({"x": [1.0, *labels[second]]}, {"scale": scale[second]}, whole=selected, joined=joined)
    assert computed(larger, store) == 3
    tree = load(store)
    assert bits(tree["s"]["x"]) == bits([1.0, *labels[first]])
    assert bits(tree["s"]["given"]) == bits([1.0, *labels[first]])
    assert bits(tree["s"]["scale_given"]) == bits([scale[first]] * 8)
    assert bits(tree["whole"]["last_label"]) == bits(labels[first][-1])
    assert bits(tree["joined"]["x"]) == bits(labels[first][:2])
    assert bits(tree["joined"]["mean"]) == bits(labels[first][:2])
    assert_whole(store)


def test_randomness_is_that_of_the_label_to_twelve_digits(tmp_path: Path) -> None:
    """A default is what the kernel says, whatever its digits, as in all stores so far."""
    exact = grid({"x": {"linspace": [2.0, 2.5, 7]}, "realisation": 2}, {"scale": 1 / 3}).stages["s"]
    rounded = grid({"x": [2.08333333333], "realisation": 2}, {"scale": 0.333333333333}).stages["s"]
    at = {"x": exact.axes["x"][1], "realisation": 1}
    assert exact.key_at(at) == rounded.key_at({"x": 2.08333333333, "realisation": 1})
    default, given = grid({"n": [1]}), grid({"n": [1]}, {"scale": 2 / 3})
    assert default.stages["s"].key_at({"n": 1}) != given.stages["s"].key_at({"n": 1})


def test_joins_and_selections_are_by_twelve_digits(tmp_path: Path) -> None:
    tenths = {"start": 0.0, "stop": 0.5, "step": 0.1}
    by_hand = {
        "kernel": "kinds:READS",
        "inputs": {"data": {"stage": "s", "select": {"x": [0.1, 0.3]}}},
        "axes": {"x": [0.3]},
    }
    one = {"kernel": "kinds:READS", "inputs": {"data": {"stage": "s", "select": {"x": 0.3}}}}
    run(grid({"x": tenths}, joined=by_hand, one=one), tmp_path / "s.zarr")
    tree = load(tmp_path / "s.zarr")
    assert bits(tree["joined"]["x"]) == bits([3 * 0.1])
    assert bits(tree["joined"]["mean"]) == bits(tree["one"]["mean"]) == bits([3 * 0.1])


@pytest.mark.parametrize(
    ("axis", "labels"), [("x", [1, 2]), ("x", [1.0, 2.0]), ("n", [1, 2]), ("n", [1.0, 2.0]), ("realisation", [1, 2])]
)
def test_whole_numbers_and_floats_of_one_axis_grow_like_a_fresh_store(
    tmp_path: Path, axis: str, labels: list[float]
) -> None:
    run(grid({axis: labels}), tmp_path / "grown.zarr")
    run(grid({axis: [1.0, 2.0, 3.0]}), tmp_path / "grown.zarr")
    run(grid({axis: [1, 2, 3]}), tmp_path / "fresh.zarr")
    assert_same(load(tmp_path / "grown.zarr"), load(tmp_path / "fresh.zarr"))
    assert_whole(tmp_path / "grown.zarr")


def test_labels_of_another_kind_than_those_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameter's type changed; nothing is written."""
    store = tmp_path / "s.zarr"
    run(grid({"n": [0, 1]}), store)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for change, labels, words in (
        (bool, [True, False], "each true or false, and those of the store each a whole number"),
        (float, [0.0, 1.0, 2.5], "each a number, and those of the store each a whole number"),
        (str, ["0", "1"], "each a word, and those of the store each a whole number"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr("sweep.grid.parameters.typing.get_type_hints", lambda params, kind=change: _hints(kind))
            wanted = grid({"n": labels})
        with pytest.raises(SweepError, match=f"stages.s.axes.n: the labels are {words}") as caught:
            launch(wanted, str(store))
        assert len(str(caught.value).splitlines()) == 1
        assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def _hints(kind: type) -> dict[str, Any]:
    return {"x": float, "scale": float, "n": kind, "word": str, "flag": bool, "rows": int}
