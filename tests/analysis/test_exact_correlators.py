"""Two-point functions by free fermions, against enumeration, the transfer matrix, Kaufman and other known numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from transfer_matrix import exact_correlations

from sweep.analysis.exact.correlators import (
    bond_correlation,
    bond_products,
    four_neighbour_correlation,
    spin_correlation,
    spin_products,
)
from sweep.analysis.exact.free_fermions import free_fermions
from sweep.analysis.exact.ising import (
    CRITICAL_TEMPERATURE,
    torus_energy,
    torus_energy_correlation,
    torus_log_partition,
    torus_specific_heat,
    torus_spin_correlation,
)

T_C = CRITICAL_TEMPERATURE
NEAR = T_C * (1 + 1e-9)


def enumerated(size: int, coupling: complex) -> tuple[complex, np.ndarray, np.ndarray, np.ndarray]:
    """Return the sum of all weights exp(-K (E + 2N)), and with it as weights those of s s, b b and f f, by brute force.

    Of f, the product of s and the sum of its four neighbours. A complex coupling gives complex weights.
    """
    spins = np.array(list(itertools.product([-1.0, 1.0], repeat=size * size))).reshape(-1, size, size)
    bonds = np.stack([spins * np.roll(spins, -1, axis=2), spins * np.roll(spins, -1, axis=1)], axis=1)
    four = bonds.sum(axis=1) + np.roll(bonds[:, 0], 1, axis=2) + np.roll(bonds[:, 1], 1, axis=1)
    weights = np.exp(coupling * (bonds.sum(axis=(1, 2, 3)) - 2 * size**2))
    spin = np.einsum("n,nyx->yx", weights * spins[:, 0, 0], spins)
    bond = np.einsum("n,ni,njyx->ijyx", weights, bonds[:, :, 0, 0], bonds)
    return weights.sum(), spin, bond, np.einsum("n,nyx->yx", weights * four[:, 0, 0], four)


@pytest.mark.parametrize("temperature", [0.3, 1.0, T_C, NEAR, 3.0, 50.0])
def test_all_of_it_by_enumeration(temperature: float) -> None:
    for size in (3, 4):
        total, spin, bond, four = enumerated(size, 1 / temperature)
        mean = bond[0, 0, 0, 1] - bond_correlation(size, temperature)[0, 0, 0, 1] * total
        np.testing.assert_allclose(spin_correlation(size, temperature), spin / total, atol=1e-11)
        np.testing.assert_allclose(bond_correlation(size, temperature), (bond - mean) / total, atol=1e-11)
        np.testing.assert_allclose(
            four_neighbour_correlation(size, temperature), (four - 16 * mean) / total, atol=1e-11
        )
        assert mean / total == pytest.approx((torus_energy(size, temperature) / 2) ** 2, abs=1e-11)


@pytest.mark.parametrize("coupling", [0.44 + 0.3j, 0.3 + 0.7854j, 0.5 + 1.5j])
def test_complex_couplings_by_enumeration(coupling: complex) -> None:
    """What is inverted to averages at fixed energy."""
    for size in (3, 4):
        total, spin, bond, _ = enumerated(size, coupling)
        torus = free_fermions(size, coupling)
        scale = np.exp(torus.log_scale - 2 * size**2 * coupling)
        largest = np.abs(enumerated(size, coupling.real)[0])
        assert abs(torus.products([])[0] * scale - total) < 1e-11 * largest
        np.testing.assert_allclose(spin_products(torus) * scale, spin, atol=1e-11 * largest)
        np.testing.assert_allclose(bond_products(torus) * scale, bond, atol=1e-11 * largest)


@pytest.mark.parametrize("temperature", [1.0, 2.0, T_C, 4.0])
def test_the_transfer_matrix_gives_the_same(temperature: float) -> None:
    for size in (7, 8):
        spin, bond = exact_correlations(size, temperature)
        np.testing.assert_allclose(spin_correlation(size, temperature), spin, atol=1e-11)
        np.testing.assert_allclose(bond_correlation(size, temperature)[0, 0], bond, atol=1e-11)


@pytest.mark.parametrize("temperature", [0.05, 1.5, T_C - 1e-10, T_C, NEAR, 2.5, 40.0])
@pytest.mark.parametrize("size", [5, 31, 32])
def test_sums_are_those_of_kaufman(size: int, temperature: float) -> None:
    torus = free_fermions(size, 1 / temperature)
    log_partition = np.log(torus.products([])[0]) + torus.log_scale
    assert log_partition == pytest.approx(torus_log_partition(size, temperature), rel=1e-13)
    spin, bonds = spin_correlation(size, temperature), bond_correlation(size, temperature)
    assert -2 * spin[0, 1] == pytest.approx(torus_energy(size, temperature), abs=1e-11)
    heat = bonds.sum() / temperature**2
    assert heat == pytest.approx(torus_specific_heat(size, temperature), abs=1e-8)
    assert four_neighbour_correlation(size, temperature).sum() == pytest.approx(4 * bonds.sum(), abs=1e-10)


@pytest.mark.parametrize(("size", "temperature"), [(48, 2.3), (64, T_C), (33, NEAR), (20, 0.5), (40, 30.0)])
def test_all_paths_to_a_site_give_the_same(size: int, temperature: float) -> None:
    """Each path is another Pfaffian: what is lost by elimination without exchange of rows would be seen."""
    torus, rng = free_fermions(size, 1 / temperature), np.random.default_rng(9)
    ends = []
    for _ in range(4):
        path, y, x = [], 0, 0
        for direction in rng.permutation([0] * (size // 2) + [1] * (size // 3)).tolist():
            path.append((y, x, direction))
            y, x = y + direction, x + 1 - direction
        ends.append(torus.products(path)[-1] / torus.products([])[0])
    np.testing.assert_allclose(ends, spin_correlation(size, temperature)[size // 3, size // 2], atol=1e-12)


def test_bonds_have_the_symmetries_of_the_lattice() -> None:
    """All pairs are computed, so mirror images need not be equal."""
    bonds = bond_correlation(12, 2.3)
    for axis in (0, 1):
        mirror = np.roll(np.flip(bonds[0, 0], axis), 1, axis)
        np.testing.assert_allclose(mirror, bonds[0, 0], atol=1e-14)
    np.testing.assert_allclose(bonds[0, 1], bonds[0, 1, ::-1], atol=1e-14)


def test_known_values() -> None:
    known = {(0, 1): 0.738121, (1, 1): 0.680428, (0, 2): 0.650720, (1, 2): 0.635201, (0, 3): 0.613770, (3, 3): 0.589848}
    known |= {(0, 4): 0.597224, (4, 4): 0.579909, (0, 5): 0.592381, (5, 5): 0.577240}
    spin = spin_correlation(10, T_C)
    for place, value in known.items():
        assert spin[place] == spin[place[::-1]] == pytest.approx(value, abs=6e-7)
    assert spin.mean() == pytest.approx(0.612568, abs=6e-7)  # <m^2>
    bond = bond_correlation(10, T_C)[0, 0]
    known = {(0, 1): 0.105897, (1, 0): 0.081899, (1, 1): 0.036493, (0, 2): 0.031816, (2, 0): 0.023548, (5, 5): 0.003315}
    for place, value in known.items():
        assert bond[place] == pytest.approx(value, abs=6e-7)
    assert spin_correlation(32, T_C)[16, 16] == pytest.approx(0.4327, abs=6e-5)
    assert spin_correlation(64, T_C)[32, 32] == pytest.approx(0.3639, abs=6e-5)


def test_large_lattices_tend_to_the_continuum() -> None:
    """Corrections fall as r^-2 and L^-2."""
    size, far = 64, np.s_[8:33, 8:33]
    np.testing.assert_allclose(spin_correlation(size, T_C)[far], torus_spin_correlation(size)[far], rtol=1e-3)
    energy = bond_correlation(size, T_C)
    both = (energy[0, 0] + energy[1, 1]) / 2
    np.testing.assert_allclose(both[far], torus_energy_correlation(size)[far], rtol=2e-2)


def test_what_is_kept_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        spin_correlation(4, 2.0)[0, 0] = 2


@pytest.mark.parametrize(("size", "temperature"), [(2, 2.0), (129, 2.0), (4, 0.0), (4, -1.0), (4, float("nan"))])
def test_what_it_does_not_hold_for_is_refused(size: int, temperature: float) -> None:
    with pytest.raises(ValueError, match="wanted size 3 to 128, temperature > 0"):
        bond_correlation(size, temperature)
