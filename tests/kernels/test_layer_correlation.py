"""Correlations of layers against direct sums, and what they must be on average."""

import numpy as np
import pytest

from sweep.analysis.estimators.two_point import open_distance_means
from sweep.kernels.coarse_graining.bins import BINS
from sweep.kernels.coarse_graining.layer_correlation import LAYER_CORRELATION, LayerCorrelationParams
from sweep.kernels.coarse_graining.pairs import open_pairs, periodic_pairs
from sweep.kernels.coarse_graining.panel import PANEL, PanelParams
from sweep.kernels.coarse_graining.panels import correlation_by_distance

LATTICES = [(6, 6), (7, 7), (8, 5)]


def correlated(data, layer):
    """Return what the kernel gives."""
    params = LayerCorrelationParams(data.shape, layer.shape)
    inputs = {"data": {"spins": data}, "layer": {"spins": layer}}
    _, results = LAYER_CORRELATION.advance(params, (), np.random.default_rng(0), inputs)
    declared = LAYER_CORRELATION.outputs(params)
    assert {name: (one.shape, one.dtype) for name, one in results.items()} == {
        name: (one.shape, one.dtype) for name, one in declared.items()
    }
    return results


def chained(count, seed=1):
    """Return a field-like ensemble with a magnetisation, and a layer made from it with noise."""
    rng = np.random.default_rng(seed)
    common = rng.choice([-1, 1], (count, 1, 1), p=[0.3, 0.7])
    data = np.where(rng.random((count, 6, 6)) < 0.6, common, rng.choice([-1, 1], (count, 6, 6))).astype(np.int8)
    noise = rng.choice([-1, 1], (count, 3, 3), p=[0.2, 0.8])
    return data, (data[:, ::2, ::2] * noise).astype(np.int8)


def by_pairs(panel, lattice, periodic):
    """Return distance -> mean over ordered pairs of different sites, by a loop over all of them."""
    rows, columns = lattice
    sums = {}
    for a in np.ndindex(*lattice):
        for b in np.ndindex(*lattice):
            dy, dx = abs(a[0] - b[0]), abs(a[1] - b[1])
            if periodic:
                dy, dx = min(dy, rows - dy), min(dx, columns - dx)
            sums.setdefault(dy**2 + dx**2, []).append(panel[a] * panel[b])
    near = max(sums) + 1 if periodic else min(lattice) ** 2 / 4
    return {np.sqrt(d): np.mean(values) for d, values in sorted(sums.items()) if 0 < d < near}


@pytest.mark.parametrize("lattice", LATTICES)
@pytest.mark.parametrize("periodic", [False, True])
def test_spectra_give_the_sum_over_pairs(lattice, periodic):
    """The mean is far from 0, as it is in data; single precision of the transforms is a millionth of the square."""
    panels = np.random.default_rng(4).normal(2, 1, (20, *lattice)).astype(np.float32)
    pairs = (periodic_pairs if periodic else open_pairs)(*lattice)
    found = correlation_by_distance(panels[None], pairs, np.ones((1, 1), np.float32))[0]
    direct = [by_pairs(panel.astype(float), lattice, periodic) for panel in panels]
    np.testing.assert_allclose(pairs.distance, list(direct[0]), rtol=1e-12)
    np.testing.assert_allclose(found, np.mean([list(one.values()) for one in direct], axis=0), atol=5e-6)


def test_distances_are_those_of_the_two_point_estimator():
    import xarray as xr  # noqa: PLC0415 - only here

    wanted = open_distance_means(xr.DataArray(np.zeros((16, 16)), dims=("dy", "dx")))["distance"]
    np.testing.assert_array_equal(open_pairs(16, 16).distance, wanted)


def test_averages_by_site_and_unit():
    data, layer = chained(5003)
    found = correlated(data, layer)
    v, h = data.reshape(len(data), -1).astype(float), layer.reshape(len(layer), -1).astype(float)
    m, products = v.mean(axis=1), h.T @ v / len(v)
    np.testing.assert_allclose(found["correlation"].reshape(9, 36), products, atol=1e-6)
    np.testing.assert_allclose(found["magnetization_correlation"], h.T @ m / len(v), atol=1e-6)
    np.testing.assert_allclose(found["hidden_mean"], h.mean(axis=0), atol=1e-12)
    assert found["m2"] == pytest.approx(np.mean(m**2), abs=1e-12)
    through_m = np.outer(h.T @ m, v.T @ m) / len(v) ** 2 / np.mean(m**2)
    np.testing.assert_allclose(found["correlation_without_m"].reshape(9, 36), products - through_m, atol=1e-6)


def test_what_goes_through_the_magnetisation_is_all_there_is_where_sites_know_nothing_else():
    """Far from its own site a unit knows the common sign only: |z| < 5 for 9 x 35 sites, false alarm 2e-4."""
    data, layer = chained(40_000)
    found = correlated(data, layer)
    rest, z = found["correlation_without_m"], found["correlation_without_m"] / found["correlation_error"]
    own = np.zeros((9, 6, 6), bool)
    own[np.arange(9), 2 * (np.arange(9) // 3), 2 * (np.arange(9) % 3)] = True
    assert (rest[own] > 0.3).all()
    assert np.abs(found["correlation"][~own]).min() > 0.15
    # The share of a single site in m leaves -1/36 of the bright spot everywhere: far below what goes through m.
    assert np.abs(rest[~own]).max() < 0.05 < 5 / np.abs(z[~own]).max()


def test_errors_are_those_of_independent_configurations():
    """The variance of +-1 products is known; 10 bins know it to 47 %, and 324 of them together to 2.6 %."""
    data, layer = chained(20_000)
    found = correlated(data, layer)
    exact = (1 - found["correlation"].astype(float) ** 2) / len(data)
    assert (found["correlation_error"].astype(float) ** 2 / exact).mean() == pytest.approx(1, abs=0.25)


def test_leaving_out_one_bin_is_to_do_without_its_configurations():
    data, layer = chained(2017)
    found, edges = correlated(data, layer), np.arange(BINS + 1) * len(data) // BINS
    for number in (0, 4, 9):
        left = np.delete(np.arange(len(data)), np.s_[edges[number] : edges[number + 1]])
        without = correlated(data[left], layer[left])["panel_correlation"]
        np.testing.assert_allclose(found["panel_correlation_without"][number], without, atol=1e-6)


def test_halves_take_the_bias_of_few_configurations_away():
    """All spins of a configuration alike, and a layer that knows nothing: eq 61 is 1 / N_s, for nothing.

    9 units, 400 ensembles: the mean of both has a standard error below 1.5 / (20 * 3 * N_s) = 0.00025; 5 of them.
    """
    rng, count = np.random.default_rng(6), 100
    raw, unbiased = [], []
    for _ in range(400):
        data = np.broadcast_to(rng.choice([-1, 1], (count, 1, 1)), (count, 4, 4)).astype(np.int8)
        found = correlated(data, rng.choice([-1, 1], (count, 3, 3)).astype(np.int8))
        raw.append(found["panel_correlation"])
        unbiased.append(found["panel_correlation_unbiased"])
    np.testing.assert_allclose(np.mean(raw, axis=0), 1 / count, atol=0.00125)
    np.testing.assert_allclose(np.mean(unbiased, axis=0), 0, atol=0.00125)


def test_layers_of_real_numbers():
    data, layer = chained(1000)
    halved = correlated((data / 2).astype(np.float32), (layer / 4).astype(np.float32))
    np.testing.assert_allclose(8 * halved["correlation"], correlated(data, layer)["correlation"], atol=1e-6)


def test_without_any_magnetisation_nothing_goes_through_it():
    board = PANEL.advance(PanelParams(6, "checkerboard", 1), (), np.random.default_rng(1), {})[1]["correlation"]
    signs = np.random.default_rng(2).choice([-1, 1], (50, 1, 1))
    data = (signs * board).astype(np.int8)
    found = correlated(data, data[:, ::3, ::3].copy())
    np.testing.assert_array_equal(found["correlation_without_m"], found["correlation"])


def test_layers_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="layer: found 90 configurations; wanted 100, those of the data"):
        LayerCorrelationParams((100, 4, 4), (90, 2, 2))
    with pytest.raises(ValueError, match="data: found 9 configurations; wanted 10 or more"):
        LayerCorrelationParams((9, 4, 4), (9, 2, 2))
    data, layer = chained(20)
    with pytest.raises(ValueError, match=r"layer: found spins of shape \(2, 20, 3, 3\)"):
        LAYER_CORRELATION.advance(
            LayerCorrelationParams(data.shape, layer.shape),
            (),
            np.random.default_rng(1),
            {"data": {"spins": data}, "layer": {"spins": np.stack([layer, layer])}},
        )


def panel(seed=1, **params):
    return PANEL.advance(PanelParams(size=32, **params), (), np.random.default_rng(seed), {})[1]


@pytest.mark.parametrize("sub_block", [4, 8, 16])
def test_checkerboards(sub_block):
    """At distance 1 a pair is unlike where it crosses an edge: 32 / sub_block - 1 of the 31 places along a row."""
    found = panel(pattern="checkerboard", sub_block=sub_block)
    assert found["correlation"].shape == (1, 32, 32)
    assert found["panel_correlation"][0] == pytest.approx(1 - 2 * (32 / sub_block - 1) / 31, abs=1e-5)
    assert found["periodic_panel_correlation"][0] == pytest.approx(1 - 2 / sub_block, abs=1e-5)


def test_white_noise():
    """Independent at any distance: below 5 standard errors for about 100 of them, false alarm 1e-4."""
    found, pairs = panel(pattern="white_noise"), open_pairs(32, 32)
    assert found["correlation"].std() == pytest.approx(1, abs=5 / np.sqrt(2 * 32**2))
    assert np.abs(found["panel_correlation"] * np.sqrt(pairs.multiplicity / 2)).max() < 5
