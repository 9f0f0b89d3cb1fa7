"""Units: CF and pint read those of every shipped kernel, and take none for something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pint
import pytest
from launching import load, run
from potts import POTTS
from strange import DOCUMENT

from sweep.grid.parameters import bounds_of, fields_of
from sweep.grid.registry import find_kernel, short_names
from sweep.grid.resolve import resolve
from sweep.kernels.contract import Kernel
from sweep.planning.attributes import unit_attributes

KERNELS = {name: find_kernel(name) for name in short_names()} | {"potts": POTTS}
REGISTRY: pint.UnitRegistry = pint.UnitRegistry()


def declared(kernel: Kernel[Any]) -> Iterator[tuple[str, str, bool | None]]:
    """Yield dtype and units of everything that a kernel declares."""
    for item in kernel.outputs(kernel.example).values():
        yield item.dtype, item.units, item.reduced
    for field in fields_of(kernel.params).values():
        bounds = bounds_of(field)
        yield "float64", bounds.units, bounds.reduced


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_pint_reads_the_units_of_every_kernel(name: str) -> None:
    for dtype, units, reduced in declared(KERNELS[name]):
        attributes = unit_attributes(dtype, units, reduced)
        assert REGISTRY.parse_units(attributes.get("units", "1")).dimensionless
        assert attributes.get("reduced_units", "") == units  # the shipped kernels know no metre and no second


@pytest.mark.parametrize(
    ("declared", "reduced", "wanted"),
    [
        ("", None, {"units": "1"}),
        ("J", None, {"units": "1", "reduced_units": "J"}),
        ("J^2", None, {"units": "1", "reduced_units": "J^2"}),
        ("J/k_B", None, {"units": "1", "reduced_units": "J/k_B"}),
        ("1/(J mcs)", None, {"units": "1", "reduced_units": "1/(J mcs)"}),
        ("mcs", None, {"units": "1", "reduced_units": "mcs"}),  # to pint it is a microsecond
        ("sigma", True, {"units": "1", "reduced_units": "sigma"}),
        ("J", False, {"units": "J"}),
        ("J/m", None, {"units": "J/m"}),
        ("mJ", None, {"units": "mJ"}),
        ("s", None, {"units": "s"}),
        ("%", None, {"units": "%"}),
    ],
)
def test_units_are_reduced_where_the_model_is_their_measure(
    declared: str, reduced: bool | None, wanted: dict[str, str]
) -> None:
    assert unit_attributes("float64", declared, reduced) == wanted
    REGISTRY.parse_units(wanted["units"])


def test_words_and_flags_have_no_units() -> None:
    assert unit_attributes("str", "") == unit_attributes("bool", "") == {}


def test_an_axis_of_what_is_read_keeps_the_units_of_its_stage(tmp_path: Any) -> None:
    """The reader has no parameter β; it was given the empty unit of a pure number."""
    run(resolve(DOCUMENT, "", "strange.yaml"), tmp_path / "store.zarr")
    tree = load(tmp_path / "store.zarr")
    assert tree["reader"]["β"].attrs == tree["strange"]["β"].attrs
    assert tree["reader"]["β"].attrs["reduced_units"] == "1/J"
