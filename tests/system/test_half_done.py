"""Every estimator on what `sweep.open` gives of a store that is half done: what it gives of what is done alone."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import FunctionType
from typing import Any

import numpy as np
import pytest
import xarray as xr
from half_done import WHOLE, half_done, small_store, without_the_last

import sweep.analysis.estimators as package
from sweep.analysis.estimators import (
    arrangement,
    block_information,
    comparison,
    coupling_cases,
    crossed,
    enumerated_machines,
    fixed_point,
    flow_cases,
    flow_exponents,
    gauge,
    known_machines,
    lattice_sums,
    layer_panels,
    layer_temperature,
    layers,
    monte_carlo_rg,
    panel_pairs,
    patches,
    perfect,
    power_law,
    stages,
    statistics,
    two_point,
)
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE

AROUND = block_information.ring(0, 4)
TAKEN = ("DataArray", "Dataset", "DataTree", "Labelled", "FlowCase", "Layer", "Panels", "MachineReading")
"""In the annotations of an estimator that reads what stands in a store."""


class Opened:
    """What somebody who has just opened a store takes out of it."""

    def __init__(self, tree: xr.DataTree) -> None:
        self.tree = tree
        self.correlator = tree["apart/size=5"]["spin_correlation"]
        self.correlators = tree["apart/size=5"].to_dataset()[["spin_correlation"]]
        self.replicas = tree["apart"].to_dataset()[["m2", "m4"]]
        self.panels, self.centred = (
            tree["first/size=8"][name].isel(temperature=0) for name in ("correlation", "correlation_without_m")
        )
        self.pairs = tree["first/size=8"].to_dataset()[["panel_correlation", "panel_correlation_without"]]
        self.spins = tree["critical/size=8"]["spins"].isel(temperature=0)
        self.units = tree["layer"]["spins"].isel(size=0, temperature=0)
        self.one = self.units.isel(realisation=0)
        weights = tree["machine/size=8"]["weights"].isel(realisation=0)
        self.blocks = block_information.strongest_blocks(np.asarray(weights).reshape(8, 8, 16))
        self.flow = tree["flow"].to_dataset().isel(size=0)

    @property
    def case(self) -> flow_cases.FlowCase:
        """The flow."""
        (case,) = flow_cases.flow_cases(self.tree)
        return case

    @property
    def correlations(self) -> list[layers.LayerCorrelation]:
        return layers.layer_correlations(self.tree)

    @property
    def first(self) -> layers.LayerCorrelation:
        return next(one for one in self.correlations if one.stage == "first")

    @property
    def second(self) -> layers.LayerCorrelation:
        return next(one for one in self.correlations if one.stage == "second")

    @property
    def layer(self) -> layers.Layer:
        return next(one for one in layers.layers(self.tree) if one.stage == "layer")

    @property
    def gauge(self) -> xr.Dataset:
        found = arrangement.gauge_of(self.layer, self.correlations)
        assert found is not None
        return found

    @property
    def readings(self) -> list[known_machines.MachineReading]:
        return list(known_machines.machine_readings(self.tree, "rbm_partition"))


def even(spins: xr.DataArray, arranged: xr.Dataset | None = None) -> xr.DataArray:
    return lattice_sums.per_configuration(spins, lattice_sums.even_sums, arranged)


def joint(o: Opened) -> xr.DataArray:
    rule = block_information.cut_units(np.ones((8, 8, 16)), np.zeros(16), o.blocks)
    return block_information.seen_by(rule, block_information.block_table(o.spins, AROUND))


WALK: Mapping[Any, Callable[[Opened], Any]] = {
    arrangement.gauge_of: lambda o: o.gauge,
    arrangement.same_units: lambda o: arrangement.same_units(o.layer, o.first.upper),
    arrangement.signs_alone: lambda o: arrangement.signs_alone(o.gauge),
    arrangement.arranged: lambda o: arrangement.arranged(
        o.layer.data["spins"].isel(realisation=0).values, o.gauge.isel(realisation=0)
    ),
    block_information.block_table: lambda o: block_information.block_table(o.spins, AROUND),
    block_information.unit_table: lambda o: block_information.unit_table(o.spins, o.one, o.blocks, AROUND),
    block_information.seen_by: joint,
    block_information.information: lambda o: block_information.information(joint(o)),
    comparison.compare_trees: lambda o: comparison.compare_trees(o.tree, o.tree).identical,
    coupling_cases.coupling_cases: lambda o: [one.numbers() for one in coupling_cases.coupling_cases(o.tree)],
    crossed.count_weighted: lambda o: crossed.count_weighted(o.flow["energy"], o.flow["count"]),
    crossed.jackknife_estimates: lambda o: crossed.jackknife_estimates(
        lambda mean: mean.to_dataset(name="mean"), o.flow["energy"], o.flow["count"]
    ),
    crossed.mean_with_error: lambda o: crossed.mean_with_error(o.flow["energy"], o.flow["count"]),
    crossed.by_realisation: lambda o: crossed.by_realisation(o.correlator),
    crossed.crossed_mean: lambda o: crossed.crossed_mean(o.panels),
    enumerated_machines.machine_cases: lambda o: [one.mappings() for one in enumerated_machines.machine_cases(o.tree)],
    fixed_point.energy_temperature: lambda o: fixed_point.energy_temperature(
        o.flow["energy"].isel(realisation=0, flow_step=0), 4
    ),
    fixed_point.track: lambda o: fixed_point.track(o.case, "energy temperature"),
    fixed_point.end_of_flow: lambda o: fixed_point.end_of_flow(o.case),
    fixed_point.reading_convergence: lambda o: fixed_point.reading_convergence(o.case, "energy"),
    fixed_point.convergence_of: lambda o: fixed_point.convergence_of(
        flow_exponents.magnetization_curve(o.case, "start")
    ),
    flow_cases.flow_cases: lambda o: [(one.label, one.realisations) for one in flow_cases.flow_cases(o.tree)],
    flow_exponents.fit_magnetization: lambda o: flow_exponents.fit_magnetization(
        o.flow["abs_magnetization"].rename(start_temperature="temperature").isel(temperature=[0, 1, 3])
    ),
    flow_exponents.magnetization_curve: lambda o: flow_exponents.magnetization_curve(o.case, "network class"),
    flow_exponents.dimension_curve: lambda o: [
        flow_exponents.dimension_curve(o.case, *reading, "start", (CRITICAL_TEMPERATURE,))
        for reading in flow_exponents.READINGS
    ],
    flow_exponents.exponent_curve: lambda o: flow_exponents.exponent_curve(
        flow_exponents.fit_magnetization, *o.case.select("abs_magnetization", "start", (2.0, 2.1))
    ),
    gauge.signs: lambda o: gauge.signs(o.panels),
    gauge.centres: lambda o: gauge.centres(o.centred),
    gauge.places: lambda o: gauge.places(o.centred),
    gauge.in_place: lambda o: gauge.in_place(o.panels, gauge.places(o.centred)),
    known_machines.machine_readings: lambda o: [
        [one.correlation for one in known_machines.machine_readings(o.tree, "rbm_samples")],
        [one.partition for one in o.readings],
    ],
    known_machines.errors_off: lambda o: known_machines.errors_off(o.readings),
    lattice_sums.per_configuration: lambda o: even(o.layer.data["spins"], o.gauge),
    lattice_sums.read: lambda o: lattice_sums.read(o.one, slice(9)),
    lattice_sums.paired: lambda o: lattice_sums.paired(even(o.spins), even(o.layer.data["spins"])),
    lattice_sums.binned: lambda o: lattice_sums.binned(even(o.spins)),
    layer_panels.panels_of: lambda o: layer_panels.panels_of(o.second, o.correlations),
    layer_panels.exact_panels: lambda o: layer_panels.exact_panels(o.first),
    layer_panels.numbers_of: lambda o: layer_panels.numbers_of(layer_panels.panels_of(o.first), None),
    layer_panels.exactly: lambda o: layer_panels.exactly(o.panels),
    layer_temperature.energies: lambda o: layer_temperature.energies(o.layer.data["spins"], o.gauge),
    layer_temperature.layer_temperature: lambda o: layer_temperature.layer_temperature(
        layer_temperature.energies(o.layer.data["spins"]), 4
    ),
    layer_temperature.growth: lambda o: layer_temperature.growth(
        *(layer_temperature.energies(spins) for spins in (o.spins, o.layer.data["spins"])), (8, 4)
    ),
    layer_temperature.reading_shares: lambda o: layer_temperature.reading_shares(
        layer_temperature.energies(o.layer.data["spins"]), 4, np.linspace(-1, 1, 5)
    ),
    layers.layers: lambda o: [(one.label, one.realisations, one.data) for one in layers.layers(o.tree)],
    layers.layer_correlations: lambda o: [(one.label, one.realisations) for one in o.correlations],
    monte_carlo_rg.leading_eigenvalues: lambda o: monte_carlo_rg.leading_eigenvalues(
        even(o.spins), even(o.layer.data["spins"], o.gauge)
    ),
    monte_carlo_rg.eigenvalue_table: lambda o: monte_carlo_rg.eigenvalue_table(even(o.one), even(o.one)),
    panel_pairs.pseudo_values: lambda o: panel_pairs.pseudo_values(o.pairs),
    panel_pairs.line: lambda o: panel_pairs.line(o.pairs["panel_correlation"]),
    panel_pairs.measured: lambda o: panel_pairs.measured(panel_pairs.pseudo_values(o.first.data)),
    panel_pairs.pair_correlation: lambda o: panel_pairs.pair_correlation(o.panels.isel(realisation=0)),
    patches.patches: lambda o: patches.patches(o.centred),
    patches.overlap: lambda o: patches.overlap(gauge.in_place(o.centred, gauge.places(o.centred))),
    patches.cosine: lambda o: patches.cosine(o.panels, o.centred),
    patches.by_training: lambda o: patches.by_training(patches.patches(o.centred)["count"]),
    perfect.selected_dimension: lambda o: perfect.selected_dimension(o.case, CRITICAL_TEMPERATURE, "sigma", "paper"),
    perfect.perfect_end: lambda o: perfect.perfect_end(o.case),
    power_law.fit_power_law: lambda o: power_law.fit_power_law(
        xr.DataArray(np.arange(1.0, 6.0), dims="dx"), o.correlator.isel(dy=1)
    ),
    stages.stages_of: lambda o: list(stages.stages_of(o.tree, "rbm")),
    stages.with_common_labels: lambda o: stages.with_common_labels(
        [crossed.crossed_mean(o.correlator)] * 2, "temperature"
    ),
    stages.own_labels: lambda o: stages.own_labels(o.correlators),
    stages.done_only: lambda o: stages.done_only(o.tree["apart"], "spin_correlation", o.tree["apart/size=5"]),
    stages.complete_only: lambda o: stages.complete_only(o.tree["apart"], o.correlator),
    stages.settings: lambda o: list(stages.settings(o.tree["few"])),
    stages.dataset_at: lambda o: stages.dataset_at(o.tree["first"], {"size": 8}),
    stages.completed: lambda o: stages.completed(
        stages.dataset_at(o.tree["machine"], {"size": 8}), o.tree["machine"]["done"].sel(size=8, drop=True)
    ),
    statistics.mean_and_error: lambda o: statistics.mean_and_error(o.correlator, "bin"),
    statistics.jackknife: lambda o: [
        statistics.jackknife(o.replicas, statistics.binder_cumulant, "replica"),
        statistics.jackknife(o.correlators, lambda mean: mean["spin_correlation"] ** 2, "bin"),
    ],
    statistics.binder_cumulant: lambda o: statistics.binder_cumulant(o.replicas),
    two_point.open_distance_means: lambda o: two_point.open_distance_means(o.correlator),
    two_point.paper_dimension: lambda o: two_point.paper_dimension(o.correlator),
    two_point.torus_dimension: lambda o: two_point.torus_dimension(o.correlator, "epsilon"),
    two_point.torus_reduced: lambda o: two_point.torus_reduced(o.correlator, "sigma"),
    two_point.fit_dimension: lambda o: two_point.fit_dimension(two_point.open_distance_means(o.correlator)),
    two_point.with_bin_errors: lambda o: two_point.with_bin_errors(o.correlator, "sigma"),
}


def reading() -> Iterator[FunctionType]:
    """Yield the public estimators that read what stands in a store."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            words = " ".join(str(each) for key, each in function.__annotations__.items() if key != "return")
            if function.__module__ == module.__name__ and name[0] != "_" and any(kind in words for kind in TAKEN):
                yield function


def numbers(found: Any) -> Iterator[Any]:
    """Yield what is in a result as plain values and arrays, of trainings and temperatures those that are done."""
    if isinstance(found, xr.DataArray):
        yield found.isel({dim: slice(-1) for dim, length in WHOLE.items() if found.sizes.get(dim) == length}).values
    elif isinstance(found, xr.Dataset):
        for name in sorted(map(str, found.data_vars)):
            yield name
            yield from numbers(found[name])
    elif isinstance(found, Mapping):
        yield from numbers(list(found.items()))
    elif is_dataclass(found):
        yield from numbers([getattr(found, field.name) for field in fields(found)])
    elif isinstance(found, Sequence) and not isinstance(found, str):
        for one in found:
            yield from numbers(one)
    else:
        yield found


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Opened, Opened]:
    """Return a store that is half done, and one that has only what is done in it."""
    place = tmp_path_factory.mktemp("half_done") / "small.zarr"
    whole = small_store(place)
    return Opened(half_done(place)), Opened(without_the_last(whole.load()))


def test_every_estimator_that_reads_a_store_is_here() -> None:
    assert {function.__qualname__ for function in reading()} == {function.__qualname__ for function in WALK}


@pytest.mark.parametrize("estimator", WALK, ids=lambda estimator: estimator.__name__)
def test_what_is_not_done_is_not_there(estimator: Any, trees: tuple[Opened, Opened]) -> None:
    half, part = (list(numbers(WALK[estimator](opened))) for opened in trees)
    assert len(half) == len(part)
    for one, other in zip(half, part, strict=True):
        np.testing.assert_array_equal(one, other)
