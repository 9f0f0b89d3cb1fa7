"""Trained machines of a store that are small enough to enumerate, as operators of the mapping onto renormalization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from sweep.analysis.estimators.crossed import REALISATION
from sweep.analysis.estimators.stages import mapping, settings, stages_of
from sweep.analysis.exact.enumeration import Floats, ising_hamiltonian
from sweep.analysis.exact.small_machines import Machine, mapping_of

SIZES = (3, 4)  # sites per side
LARGEST = 8  # hidden units
_PARTS = ("snapshot_weights", "snapshot_visible_bias", "snapshot_hidden_bias")


@dataclass(frozen=True)
class MachineCase:
    """The trainings of one setting, looked at again and again, and the Ising model that their data are drawn from.

    Parameters
    ----------
    stage : str
    at : mapping of str to label
        The axes of the stage, such as size and hidden, where this case is.
    temperature : float
        Of the data, in J/k_B.
    machines : Dataset
        Completed realisations: `snapshot_weights(realisation, snapshot, visible, hidden_unit)` and the two biases.
    """

    stage: str
    at: Mapping[str, Any]
    temperature: float
    machines: xr.Dataset

    @property
    def size(self) -> int:
        """Return the sites per side of the lattice."""
        return int(np.sqrt(self.machines.sizes["visible"]))

    @property
    def hidden(self) -> int:
        """Return the number of hidden units."""
        return int(self.machines.sizes["hidden_unit"])

    @property
    def hamiltonian(self) -> Floats:
        """Return H[v] of the data, float64[2**visible]."""
        return ising_hamiltonian(self.size, self.temperature)

    @property
    def label(self) -> str:
        """Return where in the axes of its stage this case is, in words."""
        words = {"hidden": "{} hidden units", "size": "{0}×{0}"}
        return ", ".join([self.stage, *(words.get(axis, axis + " {}").format(at) for axis, at in self.at.items())])

    def machine(self, realisation: int, snapshot: int) -> Machine:
        """Return a machine by the place of its training, and of its snapshot, counted from 0; in double precision."""
        one = self.machines.isel({REALISATION: realisation, "snapshot": snapshot})
        return Machine(*(one[part].values.astype(np.float64) for part in _PARTS))

    def mappings(self) -> xr.Dataset:
        """Return the quantities of `Mapping` for every training and snapshot, each DataArray[realisation, snapshot]."""
        hamiltonian, dims = self.hamiltonian, (REALISATION, "snapshot")
        shape = tuple(self.machines.sizes[dim] for dim in dims)
        found = [asdict(mapping_of(self.machine(*place), hamiltonian)) for place in np.ndindex(shape)]
        tables = {name: (dims, np.array([one[name] for one in found]).reshape(shape)) for name in found[0]}
        return xr.Dataset(tables, {dim: self.machines[dim] for dim in dims})


def machine_cases(tree: xr.DataTree) -> list[MachineCase]:
    """Return the trainings of a store that kept snapshots, have few units, and data of one Ising model, by stage."""
    return [case for name, stage in stages_of(tree, "rbm").items() for case in _cases(tree, name, stage)]


def _cases(tree: xr.DataTree, name: str, stage: xr.DataTree) -> Iterator[MachineCase]:
    source = tree.children.get(mapping(stage.attrs, "inputs").get("data", ""))
    if source is None or source.attrs.get("kernel") != "ising":
        return
    for at, data in settings(stage):
        temperatures = [at["temperature"]] if "temperature" in at else np.ravel(source["temperature"]).tolist()
        if not set(_PARTS) <= set(data) or len(temperatures) != 1 or temperatures[0] <= 0:
            continue
        if data.sizes["visible"] in [size**2 for size in SIZES] and data.sizes["hidden_unit"] <= LARGEST:
            machines = data[list(_PARTS)].load()
            whole = machines if REALISATION in machines.dims else machines.expand_dims({REALISATION: [0]})
            yield MachineCase(name, at, float(temperatures[0]), whole)
