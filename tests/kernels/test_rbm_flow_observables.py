"""Spectra and group sums against correlators written out as sums over pairs of sites and of configurations."""

import itertools

import numpy as np
import pytest

from sweep.kernels.rbm_flow.observables import (
    CORRELATORS,
    MOMENTS,
    add_by_group,
    columns,
    group_averages,
    transforms,
)


def sums_of(fields, group, groups):
    size = fields.shape[1]
    sums, counts = np.zeros((groups, columns(size))), np.zeros(groups, np.int64)
    add_by_group(sums, counts, transforms(fields), np.asarray(group))
    return group_averages(sums, counts, size)


def bonds(field):
    """Both readings of eq 40 at every site: one horizontal bond, and the site times its four neighbours."""
    size = len(field)
    one, four = np.zeros_like(field), np.zeros_like(field)
    for y, x in np.ndindex(field.shape):
        right, left = field[y, (x + 1) % size], field[y, (x - 1) % size]
        below, above = field[(y + 1) % size, x], field[(y - 1) % size, x]
        one[y, x] = field[y, x] * right
        four[y, x] = field[y, x] * (right + left + below + above)
    return one, four


def correlate(first, second):
    """C(dy, dx) = mean over sites of first(x) second(x + d), periodic."""
    return np.array(
        [
            [np.mean(first * np.roll(second, (-dy, -dx), axis=(0, 1))) for dx in range(len(first))]
            for dy in range(len(first))
        ]
    )


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("kind", ["spins", "means"])
def test_averages_are_sums_over_sites_and_configurations(size, kind):
    rng = np.random.default_rng(60)
    shape = (9, size, size)
    fields = (rng.choice([-1, 1], shape, p=[0.3, 0.7]) if kind == "spins" else rng.uniform(-1, 1, shape)).astype(
        np.float32
    )
    group = np.array([0, 1, 1, 0, 1, 3, 1, 0, 1])
    found = sums_of(fields, group, 4)
    doubles = fields.astype(float)
    for g in (0, 1):
        mine = doubles[group == g]
        m = mine.mean(axis=(1, 2))
        energy = np.array([-np.sum(f * (np.roll(f, 1, 0) + np.roll(f, 1, 1))) / size**2 for f in mine])
        for name, values in zip(MOMENTS, (abs(m), m**2, m**4, energy, energy**2), strict=True):
            assert found[name][g] == pytest.approx(values.mean(), abs=1e-6)
        spin = np.mean([correlate(f, f) for f in mine], axis=0)
        np.testing.assert_allclose(found["spin_correlation"][g], spin, atol=1e-6)
        for place, name in enumerate(CORRELATORS[1:3]):
            eps = [bonds(f)[place] for f in mine]
            same = np.mean([correlate(e, e) for e in eps], axis=0)
            different = np.mean([correlate(e, f) for e, f in itertools.permutations(eps, 2)], axis=0)
            np.testing.assert_allclose(found[name][g], same - different, atol=2e-6)
        eps = [bonds(f)[0] for f in mine]
        one = np.mean([correlate(e, e) for e in eps], axis=0)
        one -= np.mean([e.mean() * f.mean() for e, f in itertools.permutations(eps, 2)])
        np.testing.assert_allclose(found["energy_correlation_one_mean"][g], one, atol=2e-6)


def test_groups_that_are_too_small_are_nan():
    fields = np.random.default_rng(1).choice([-1, 1], (2, 3, 3)).astype(np.float32)
    found = sums_of(fields, [0, 0], 3)
    assert all(np.isnan(found[name][2]).all() for name in (*MOMENTS, *CORRELATORS))
    single = sums_of(fields[:1], [1], 3)
    assert np.isfinite(single["spin_correlation"][1]).all()
    assert np.isnan(single["energy_correlation"][1]).all()


def test_small_groups_are_unbiased():
    # Independent spins of mean 0.8: a bond has mean 0.64, and with itself the connected correlator 1 - 0.64^2. 40 000
    # groups of two: the standard error is below 0.004. Subtracting the square of the group's own mean instead would
    # halve the result, 70 standard errors.
    rng = np.random.default_rng(61)
    size, groups = 3, 40_000
    fields = rng.choice([-1.0, 1.0], (2 * groups, size, size), p=[0.1, 0.9]).astype(np.float32)
    found = sums_of(fields, np.repeat(np.arange(groups), 2), groups)["energy_correlation"][:, 0, 0]
    expected = 1 - 0.8**4
    assert abs(found.mean() - expected) < 5 * found.std() / np.sqrt(groups)
    assert found.std() / np.sqrt(groups) < 0.004
