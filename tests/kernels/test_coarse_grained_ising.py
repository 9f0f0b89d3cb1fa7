"""Block spins of the Ising model at T_c against exact numbers: levels through sum rules, shapes through slopes.

With N_s configurations all of G(d) moves together by 0.20 / sqrt(N_s), for that is the error of <m^2>; the slope moves
by 1.2e-3 / sqrt(N_s) only. So it is the slope that is compared with its exact value.
"""

import numpy as np
import pytest

from sweep.kernels.coarse_graining.block_spin import block_spins
from sweep.kernels.coarse_graining.layer_correlation import LAYER_CORRELATION, LayerCorrelationParams
from sweep.kernels.coarse_graining.pairs import open_pairs
from sweep.kernels.ising import ISING
from sweep.kernels.ising.params import IsingParams

COUNT = 12_288
CRITICAL = 2 / np.log(1 + np.sqrt(2))
M2, M2_SCATTER = 0.458975, 0.19  # <m^2> on 32x32 and the standard deviation of m^2
SITES_APART = {(32, 16): 0.037683, (32, 8): 0.035059, (16, 8): 0.034700}
SLOPES = {(32, 16): -1.0490e-4, (32, 8): -9.934e-5, (16, 8): -2.000e-4}
BRIGHTEST, DARKEST = {(32, 16): 0.771007, (32, 8): 0.664211, (16, 8): 0.639767}, 0.4328


@pytest.fixture(scope="module")
def layers():
    """Return side -> configurations: 32x32 at T_c, and its averages over 2x2 and 4x4."""
    params = IsingParams(size=32, temperature=CRITICAL, configurations=COUNT)
    spins = np.concatenate(
        [
            ISING.advance(params, (), np.random.default_rng((20, block)), {})[1]["spins"]
            for block in range(ISING.blocks(params))
        ]
    )
    halved = block_spins(spins, "average", np.random.default_rng(0))
    return {32: spins, 16: halved, 8: block_spins(halved, "average", np.random.default_rng(0))}


def correlated(data, layer):
    params = LayerCorrelationParams(data.shape, layer.shape)
    inputs = {"data": {"spins": data}, "layer": {"spins": layer}}
    return LAYER_CORRELATION.advance(params, (), np.random.default_rng(0), inputs)[1]


@pytest.fixture(scope="module")
def found(layers):
    return {pair: correlated(layers[pair[0]], layers[pair[1]]) for pair in SLOPES}


def slope(values, side):
    return np.polyfit(open_pairs(side, side).distance, values, 1)[0]


@pytest.mark.parametrize("pair", SLOPES)
def test_the_slope_of_the_panel_correlation(found, pair):
    """|z| < 4, false alarm 6e-5 a pair; that is 40 % of the slope: what is flat, or twice as steep, fails."""
    exact, scatter = SLOPES[pair], SLOPES[pair] / -1.0490e-4 * 1.2e-3 / np.sqrt(COUNT)
    assert slope(found[pair]["panel_correlation"], pair[0]) == pytest.approx(exact, abs=4 * scatter)
    assert slope(found[pair]["panel_correlation_unbiased"], pair[0]) == pytest.approx(exact, abs=4 * scatter)


@pytest.mark.parametrize("pair", SLOPES)
def test_the_jackknife_knows_the_scatter_of_the_slope(found, pair):
    """With ten bins it knows the error to 24 %; the bounds have p = 1e-3."""
    slopes = [slope(values, pair[0]) for values in found[pair]["panel_correlation_without"]]
    error = np.sqrt(9 / 10 * np.sum((slopes - np.mean(slopes)) ** 2))
    assert 0.4 < error / (SLOPES[pair] / -1.0490e-4 * 1.2e-3 / np.sqrt(COUNT)) < 2.2


@pytest.mark.parametrize("pair", SLOPES)
def test_sum_rules_of_averages(layers, found, pair):
    """In every sample: the mean over sites of <v h> is <m h>, and that over all pairs of sites of G its square."""
    v, panels = layers[pair[0]], found[pair]["correlation"].astype(float)
    m2 = np.mean(v.mean(axis=(1, 2), dtype=float) ** 2)
    assert panels.mean() == pytest.approx(m2, abs=1e-6)
    assert found[pair]["m2"] == pytest.approx(m2, abs=1e-9)
    np.testing.assert_allclose(found[pair]["magnetization_correlation"], panels.mean(axis=(1, 2)), atol=1e-6)
    assert m2 == pytest.approx(M2, abs=4 * M2_SCATTER / np.sqrt(COUNT))


@pytest.mark.parametrize("pair", SLOPES)
def test_the_panels_are_the_exact_ones(found, pair):
    """Units are alike but for their place: panels moved to one place are averaged, and their level is set by <m^2>.

    The shape that is left has errors of about 0.03 / sqrt(N_s) = 3e-4.
    """
    side, coarse = pair
    panels = found[pair]["correlation"].reshape(coarse, coarse, side, side)
    scale = side // coarse
    moved = [np.roll(panels[y, x], (-y * scale, -x * scale), (0, 1)) for y, x in np.ndindex(coarse, coarse)]
    mean = np.mean(moved, axis=0, dtype=float)
    mean += M2 - mean.mean()
    assert mean.max() == pytest.approx(BRIGHTEST[pair], abs=1.5e-3)
    assert mean.min() == pytest.approx(DARKEST, abs=2e-3)
    assert mean.std() == pytest.approx(SITES_APART[pair], abs=8e-4)


def test_neighbours_in_the_layer_above(layers):
    """<h h'> of 32 -> 16, averages: exactly 0.611166; its error is that of <m^2>, and |z| < 5 has p < 6e-7."""
    halved = layers[16]
    neighbours = [(halved * np.roll(halved, 1, axis)).mean(dtype=float) for axis in (1, 2)]
    np.testing.assert_allclose(neighbours, 0.611166, atol=5 * M2_SCATTER / np.sqrt(COUNT))
