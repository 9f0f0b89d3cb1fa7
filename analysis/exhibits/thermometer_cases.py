"""The trained thermometers of a store, which figure 3 and the figure of their quality show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import mapping, stages_of

NO_THERMOMETER = "no completed stage of the kernel thermometer"


@dataclass(frozen=True)
class ThermometerCase:
    """A trained thermometer: its stage, where it is in the stage's axes, and its completed realisations."""

    label: str
    size: int
    data: xr.Dataset

    @property
    def classes(self) -> int:
        """Return the number of temperatures that it tells apart."""
        return int(self.data.sizes["temperature_class"])


def thermometer_cases(tree: xr.DataTree) -> list[ThermometerCase]:
    """Return every thermometer of a store that has at least one completed realisation, by stage and size."""
    return [case for name, stage in stages_of(tree, "thermometer").items() for case in _cases_of(name, stage)]


def _cases_of(name: str, stage: xr.DataTree) -> Iterator[ThermometerCase]:
    data = stage.to_dataset()
    axes = [str(dim) for dim in data["done"].dims if dim != REALISATION]
    flat = data.stack(case=axes) if axes else data.expand_dims("case")
    for place in range(flat.sizes["case"]):
        one = flat.isel(case=place)
        done = np.atleast_1d(one["done"].values)
        if done.any():
            at = [f"{axis} {one[axis].item()}" for axis in axes]
            size = int(one["size"].item() if "size" in axes else mapping(stage.attrs, "params")["size"])
            kept = one.isel({REALISATION: np.flatnonzero(done)}) if REALISATION in one.dims else one
            yield ThermometerCase(", ".join([name, *at]), size, kept.drop_vars(["case", *axes], errors="ignore").load())
