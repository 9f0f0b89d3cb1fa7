"""Control data keep what they should, and only that."""

import numpy as np
import pytest

from sweep.kernels.controls import INDEPENDENT_SPINS, PERMUTED_SPINS

SIZE, COUNT = 4, 20_000
KERNELS = [INDEPENDENT_SPINS, PERMUTED_SPINS]


@pytest.fixture(scope="module")
def striped():
    """Configurations with a lot of structure: rows of equal spins, each row up with probability 0.7."""
    rows = np.random.default_rng(90).choice([-1, 1], (COUNT, SIZE, 1), p=[0.3, 0.7])
    return {"data": {"spins": np.broadcast_to(rows, (COUNT, SIZE, SIZE)).astype(np.int8)}}


def control(kernel, inputs, seed=1, **options):
    params = kernel.params(size=SIZE, temperature=2.0, configurations=COUNT, **options)
    rng = np.random.default_rng(seed)
    return kernel.advance(params, kernel.init(params, rng, inputs), rng, inputs)[1]["spins"].reshape(COUNT, -1)


def test_shuffled_spins_keep_each_magnetisation_and_nothing_else(striped):
    spins = control(INDEPENDENT_SPINS, striped).astype(float)
    total = striped["data"]["spins"].sum(axis=(1, 2), dtype=int)
    np.testing.assert_array_equal(spins.sum(axis=1), total)
    sites = SIZE**2
    flat = (np.mean(total**2) - sites) / (sites * (sites - 1))
    pairs = (spins.T @ spins / COUNT)[~np.eye(sites, dtype=bool)]
    # 120 different pairs with a standard error below 1 / sqrt(20 000) = 0.0071 each: |z| < 5 has p < 7e-5. In the
    # data they are 1 within a row and 0.16 between rows; sharing one permutation leaves that as it is.
    assert np.abs(pairs - flat).max() < 5 / np.sqrt(COUNT)


def test_a_permutation_renames_sites_and_keeps_all_correlations(striped):
    spins = control(PERMUTED_SPINS, striped).astype(int)
    original = striped["data"]["spins"].reshape(COUNT, -1).astype(int)
    assert sorted(map(bytes, spins.T)) == sorted(map(bytes, original.T))
    np.testing.assert_allclose(np.sort((spins.T @ spins).ravel()), np.sort((original.T @ original).ravel()))
    neighbours = (spins.reshape(-1, SIZE, SIZE) * np.roll(spins.reshape(-1, SIZE, SIZE), 1, axis=2)).mean()
    assert neighbours < 0.8  # 1 in the data


def test_the_permutation_is_the_same_whatever_the_point_and_another_by_its_number(striped):
    one, same, other = (control(PERMUTED_SPINS, striped, seed, permutation=p) for seed, p in ((1, 1), (2, 1), (1, 2)))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_the_first_configurations_are_taken_and_nothing_is_changed(kernel, striped):
    before = striped["data"]["spins"].copy()
    params = kernel.params(size=SIZE, temperature=2.0, configurations=7)
    rng = np.random.default_rng(1)
    _, result = kernel.advance(params, kernel.init(params, rng, striped), rng, striped)
    declared = kernel.outputs(params)["spins"]
    assert (result["spins"].shape, result["spins"].dtype) == (declared.shape, declared.dtype)
    np.testing.assert_array_equal(result["spins"].sum(axis=(1, 2)), before[:7].sum(axis=(1, 2)))
    np.testing.assert_array_equal(striped["data"]["spins"], before)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
def test_what_makes_no_sense_is_refused(kernel, striped):
    rng = np.random.default_rng(1)
    many = kernel.params(size=SIZE, temperature=2.0, configurations=COUNT + 1)
    with pytest.raises(ValueError, match="configurations: found 20001; the data have 20000"):
        kernel.advance(many, (), rng, striped)
    other = kernel.params(size=5, temperature=2.0, configurations=2)
    with pytest.raises(ValueError, match="wanted configurations of 5x5 spins"):
        kernel.advance(other, (), rng, striped)
