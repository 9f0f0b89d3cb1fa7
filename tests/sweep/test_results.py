"""What a block returns is what its kernel declares, or the point fails; what is not computed reads as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
import xarray as xr
from launching import load, run

import sweep
from sweep.grid.grid import Grid
from sweep.grid.resolve import resolve
from sweep.kernels.contract import Kernel, Output, parameter
from sweep.planning.values import as_declared, as_stored
from sweep.run.driver import launch
from sweep.run.results import WrongResult, checked, checked_state, value_problem
from sweep.store.checkpoint import pack, unpack

FIVE = Output(("i",), (5,), "float64", block=2)  # blocks of 2, 2 and 1


def of(dtype: str, *shape: int, **more: Any) -> Output:
    return Output(tuple("ijk"[: len(shape)]), shape, dtype, **more)


WRONG = {
    "fractions": (of("int8", 3), np.array([300, 1.7, -200]), "found float64; declared int8"),
    "whole floats": (of("int64"), 3.0, "found float64; declared int64"),
    "not a number": (of("int64", 3), np.array([np.nan, 1, 2]), "found float64; declared int64"),
    "out of range": (of("int8", 2), np.array([1, 300]), "found 300 (int64), which is no int8; declared int8"),
    "negative": (of("uint16"), -1, "found -1 (int64), which is no uint16; declared uint16"),
    "beyond 64 bits": (of("int64"), 2**64, "found 18446744073709551616, a number of more than 64 bits; declared int64"),
    "masked": (of("float64", 2), np.ma.array([1.0, 2.0], mask=[False, True]), "found values that are masked; declared"),
    "fill of a signed integer": (of("int8"), np.int8(-128), "found -128, which stands for what is not computed"),
    "fill of int64": (of("int64", 2), np.array([0, -(2**31)]), "found -2147483648, which stands for"),
    "fill of the largest type": (of("uint64"), 2**64 - 1, "which stands for what is not computed"),
    "complex": (of("float64", 3), np.array([1 + 2j, 3, 4]), "found complex128; declared float64"),
    "digits": (of("float32"), 0.1, "found 0.1 (float64), which is no float32; declared float32"),
    "too large a float": (of("float32"), 1e300, "found 1e+300 (float64), which is no float32"),
    "number for a truth": (of("bool"), 1, "found int64; declared bool"),
    "word for a number": (of("float64"), "1.5", "found words; declared float64"),
    "number for a word": (of("str", words=("a", "b")), 0, "found int64; declared words (a, b)"),
    "unknown word": (of("str", words=("a", "b")), "c", "found 'c'; declared one of a, b"),
    "nothing": (of("float64", 3), None, "found nothing; declared float64"),
    "objects": (of("float64", 2), np.array([1, None], object), "found a ndarray; declared float64"),
    "ragged": (of("float64", 2), [[1], [2, 3]], "found a list that is no array; declared float64"),
    "a mapping": (of("float64"), {"a": 1}, "found a dict; declared float64"),
    "dates": (of("int64"), np.datetime64("2020-01-01"), "found a datetime64; declared int64"),
    "one for many": (of("float64", 3), np.ones(1), "found shape (1,); declared (3,)"),
    "a number for many": (of("float64", 3), 1.0, "found shape (); declared (3,)"),
    "transposed": (of("float64", 2, 3), np.ones((3, 2)), "found shape (3, 2); declared (2, 3)"),
    "an axis too many": (of("float64"), np.ones(1), "found shape (1,); declared ()"),
    "three rows for two": (FIVE, np.ones(3), "found shape (3,); declared (2,) for a block"),
    "one row for two": (FIVE, np.ones(1), "found shape (1,); declared (2,) for a block"),
    "no rows": (FIVE, 1.0, "found shape (); declared (2,) for a block"),
}


@pytest.mark.parametrize("case", list(WRONG))
def test_results_that_would_change_are_refused(case: str) -> None:
    output, value, problem = WRONG[case]
    with pytest.raises(WrongResult) as caught:
        checked({"y": value}, {"y": output}, 0)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("output 'y' of block 0: ")
    assert problem in line


@pytest.mark.parametrize(
    ("output", "value"),
    [
        (of("float64"), 1.5),
        (of("float64"), 2),
        (of("float64"), True),
        (of("float64", 3), [1, 2, 3]),
        (of("float64", 3), np.array([np.nan, np.inf, -np.inf])),
        (of("float32", 2), np.array([0.5, np.nan])),
        (of("complex64"), 0.5 + 2j),
        (of("complex128"), 1),
        (of("int8", 2), np.array([127, -127])),
        (of("int64"), np.uint8(255)),
        (of("uint8", 2), np.array([0, 255])),
        (of("uint32"), 2**32 - 1),
        (of("bool", 2), np.array([True, False])),
        (of("str", words=("a", "bc")), np.array("bc")),
        (of("str", 2, words=("a", "bc")), ["a", "bc"]),
        (of("int64", 0), np.zeros(0, np.int64)),
    ],
)
def test_results_that_keep_every_value_are_taken(output: Output, value: Any) -> None:
    kept = checked({"y": value}, {"y": output}, 0)["y"]
    np.testing.assert_array_equal(as_declared(kept, output), np.asarray(value))


def test_the_last_block_may_be_cut_or_whole() -> None:
    assert value_problem(np.ones(1), FIVE, 2) is None
    assert value_problem(np.ones(2), FIVE, 2) is None
    assert value_problem(np.ones(3), FIVE, 2) == "found shape (3,); declared (2,) for a block, or the 1 that are left"


@pytest.mark.parametrize(
    ("results", "problem"),
    [
        ({}, "block 3: lacks 'y'"),
        ({"y": 1.0, "z": 2.0}, "block 3: gives 'z', which is not declared"),
        ({"Y": 1.0}, "block 3: lacks 'y' and gives 'Y', which is not declared"),
        (None, "block 3: found nothing; wanted a mapping"),
        ([1.0], "block 3: found a list; wanted a mapping"),
    ],
)
def test_names(results: Any, problem: str) -> None:
    with pytest.raises(WrongResult, match=problem):
        checked(results, {"y": of("float64")}, 3)


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (None, "init: found nothing as the state; wanted a tuple of arrays"),
        ({"a": np.zeros(2)}, "init: found a dict as the state"),
        (np.zeros(2), "init: found a ndarray as the state"),
        ((np.zeros(2) for _ in range(2)), "init: found a generator as the state"),
        ((np.zeros(2), None), "init: part 1 of the state is nothing; wanted an array"),
        (([[1], [2, 3]],), "init: part 0 of the state is a list"),
        ((10**30,), "init: part 0 of the state is 1000000000000000000000000000000, a number of more than 64 bits"),
        ((np.ma.array([1.0], mask=[True]),), "init: part 0 of the state is masked"),
    ],
)
def test_a_state_that_no_checkpoint_keeps_is_refused(state: Any, problem: str) -> None:
    with pytest.raises(WrongResult, match=problem):
        checked_state(state, "init")


def test_a_state_is_what_a_checkpoint_gives_back() -> None:
    given = (2, 0.5, "word", np.arange(3), True)
    _, back = unpack(pack({"key": (1, given)}), "")["key"]  # type: ignore[dict-item]
    for here, there in zip(checked_state(given, "init"), back, strict=True):
        assert (here.dtype, here.shape) == (there.dtype, there.shape)
        assert here.tobytes() == there.tobytes()


@sweep.kernel(outputs={"y": of("float64", 2)})
def masking(x: float) -> Any:
    return np.ma.masked_greater([0.0, x], 0.5)


def test_a_function_does_not_drop_its_mask(tmp_path: Path) -> None:
    document = {"name": "masking", "seed": 1, "stages": {"s": {"kernel": masking, "axes": {"x": [0.0, 1.0]}}}}
    summary = sweep.launch(document, str(tmp_path / "s.zarr"), executor="inline", progress=False)
    assert summary.failed == 1
    assert load(tmp_path / "s.zarr")["s"]["done"].values.tolist() == [True, False]


@dataclass(frozen=True)
class Params:
    x: int = parameter("a number", default=0)


KINDS = {
    "z": Output((), (), "complex128", "", "complex"),
    "count": Output((), (), "int64", "", "a count"),
    "small": Output(("i",), (2,), "uint8", "", "small counts"),
    "ok": Output((), (), "bool", "", "a truth"),
    "how": Output((), (), "str", "", "a word", words=("fast", "slow")),
    "t": Output((), (), "float64", "", "a float"),
}


def kinds(spoil: Callable[[Params], dict[str, Any]] = lambda params: {}) -> Kernel[Params]:
    def advance(params: Params, state: Any, rng: Any, inputs: Any) -> Any:
        right = {"z": 1 + 1j, "count": 5, "small": np.array([1, 2]), "ok": True, "how": "slow", "t": 1.0}
        return state, right | spoil(params)

    return Kernel("kinds", 1, Params, lambda p: KINDS, lambda p, r, i: (), advance, lambda p: 1.0, example=Params())


def grid() -> Grid:
    stages = {"s": {"kernel": "toys:ODD", "axes": {"x": [0, 1, 2, 3]}}}
    return resolve({"name": "kinds", "seed": 1, "stages": stages}, "", "kinds.yaml")


def test_an_undone_point_is_no_result_for_whoever_forgets_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In plain xarray, and in the file that it writes: every kind of value of the point that failed is missing."""
    spoiled = kinds(lambda params: {"t": None} if params.x == 2 else {})
    monkeypatch.setattr(toys, "ODD", spoiled, raising=False)
    summary = launch(grid(), str(tmp_path / "s.zarr"))
    assert not summary.complete
    dataset = load(tmp_path / "s.zarr")["s"].to_dataset()
    assert dataset["done"].values.tolist() == [True, True, False, True]
    assert complex(dataset["z"].mean()) == 1 + 1j
    assert np.isnan(dataset["z"].values[2].imag)
    assert np.isnan(dataset["z"].values[2].real)
    for name, value in {"count": 5.0, "ok": 1.0, "t": 1.0}.items():
        np.testing.assert_array_equal(dataset[name], [value, value, np.nan, value])
    np.testing.assert_array_equal(dataset["small"].isel(i=1), [2, 2, np.nan, 2])
    assert dataset["how"].values.tolist() == ["slow", "slow", "", "slow"]
    assert dataset["ok"].attrs["comment"] == "0 is false, 1 is true"
    assert dataset["x"].dtype == np.int64, "labels are not masked"
    dataset.drop_vars("z").to_netcdf(tmp_path / "s.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as again:
        np.testing.assert_array_equal(again["count"], dataset["count"])
    with xr.open_datatree(str(tmp_path / "s.zarr"), mask_and_scale=False) as raw:
        assert raw["s"]["count"].dtype == np.int64
        assert raw["s"]["small"].dtype == np.int16, "an unsigned byte has no value to spare"
        assert int(raw["s"]["count"][2]) == -(2**31)
    monkeypatch.setattr(toys, "ODD", kinds())
    run(grid(), tmp_path / "s.zarr")
    assert (load(tmp_path / "s.zarr")["s"]["count"] == 5).all()


def test_codes_and_truths_of_earlier_versions() -> None:
    words = of("str", 3, words=("metropolis", "wolff"))
    assert as_stored(np.array([1, 0, 7], np.int8), words).tolist() == ["wolff", "metropolis", ""]
    assert as_stored(np.array([True, False]), of("bool", 2)).tolist() == [1, 0]


def test_a_kernel_that_reads_gets_what_the_other_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, np.ndarray[Any, Any]] = {}

    def advance(params: Params, state: Any, rng: Any, inputs: Any) -> Any:
        seen.update(inputs["data"])
        return state, {"y": 1.0}

    reader: Kernel[Params] = Kernel(
        "reader",
        1,
        Params,
        lambda p: {"y": of("float64")},
        lambda p, r, i: (),
        advance,
        lambda p: 1.0,
        inputs={"data": ("ok", "how", "count", "small")},
    )
    monkeypatch.setattr(toys, "ODD", kinds(), raising=False)
    monkeypatch.setattr(toys, "READER", reader, raising=False)
    stages = {
        "s": {"kernel": "toys:ODD", "axes": {"x": [0, 1]}},
        "r": {"kernel": "toys:READER", "inputs": {"data": "s"}, "axes": {"realisation": 1}},
    }
    run(resolve({"name": "r", "seed": 1, "stages": stages}, "", "r.yaml"), tmp_path / "s.zarr")
    assert seen["ok"].tolist() == [True, True]
    assert seen["ok"].dtype == np.bool_
    assert seen["how"].tolist() == ["slow", "slow"]
    assert seen["small"].dtype == np.uint8


@pytest.mark.parametrize(
    ("labels", "read"), [([0, 1, 2], -(2**63)), ([0.0, 0.5], np.nan), (["a", "b"], ""), ([False], True)]
)
def test_labels_whose_file_is_lost_read_as_no_label(
    labels: list[Any], read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a single truth value the lost label reads as the other one, which is no label of the store."""

    labelled = make_dataclass("Labelled", [("label", type(labels[0]), parameter("a label"))], frozen=True)
    lone: Kernel[Any] = Kernel(
        "lone",
        1,
        labelled,
        lambda p: {"y": of("float64")},
        lambda p, r, i: (),
        lambda p, s, r, i: (s, {"y": 1.0}),
        lambda p: 1.0,
    )
    monkeypatch.setattr(toys, "ODD", lone, raising=False)
    stages = {"s": {"kernel": "toys:ODD", "axes": {"label": labels}}}
    run(resolve({"name": "l", "seed": 1, "stages": stages}, "", "l.yaml"), tmp_path / "s.zarr")
    assert load(tmp_path / "s.zarr")["s"]["label"].values.tolist() == labels
    for chunk in (tmp_path / "s.zarr/s/label").rglob("c/*"):
        chunk.unlink()
    with xr.open_zarr(tmp_path / "s.zarr", group="s", consolidated=False) as data:
        np.testing.assert_array_equal(data["label"], np.full(len(labels), read))
