"""Block spins: what each rule keeps of a block, exactly, and what is refused."""

import numpy as np
import pytest

from sweep.kernels.coarse_graining.block_spin import BLOCK_SPIN, BlockSpinParams, block_spins
from sweep.kernels.coarse_graining.ensemble import BLOCK

RULES = ["average", "majority", "decimation"]
COUPLING = np.log(1 + np.sqrt(2)) / 2  # K_c


def rng(seed=1):
    return np.random.default_rng(seed)


def random_spins(*shape, seed=3):
    return rng(seed).choice([-1, 1], shape).astype(np.int8)


def through_kernel(spins, rule, seed=1):
    """Return what the kernel gives, block after block, each with its own stream."""
    params, inputs = BlockSpinParams(spins.shape, rule), {"data": {"spins": spins}}
    state, found = BLOCK_SPIN.init(params, rng(), inputs), []
    for block in range(BLOCK_SPIN.blocks(params)):
        state, results = BLOCK_SPIN.advance(params, state, rng((seed, block)), inputs)
        found.append(results["spins"])
    whole, declared = np.concatenate(found), BLOCK_SPIN.outputs(params)["spins"]
    assert (whole.shape, whole.dtype) == (declared.shape, declared.dtype)
    return whole


def every_configuration():
    """Return all configurations of the periodic 4x4 lattice and their probabilities at T_c."""
    spins = (((np.arange(2**16)[:, None] >> np.arange(16)) & 1) * 2 - 1).reshape(-1, 4, 4).astype(np.int8)
    bonds = (spins * np.roll(spins, 1, 1) + spins * np.roll(spins, 1, 2)).sum(axis=(1, 2), dtype=int)
    weights = np.exp(COUPLING * (bonds - bonds.max()))
    return spins, weights / weights.sum()


def response(rule):
    """Return p[configuration of a block, block spin], exact: all that is random are tosses of a fair coin."""
    blocks = (((np.arange(16)[:, None] >> np.arange(4)) & 1) * 2 - 1).reshape(-1, 2, 2).astype(np.int8)
    tried = 4000
    drawn = through_kernel(np.repeat(blocks, tried, axis=0), rule).reshape(16, tried)
    values = np.unique(drawn)
    shares = (drawn[:, :, None] == values).mean(axis=1)
    p = np.round(2 * shares) / 2
    # 16 shares of a fair coin with standard error 0.0079: |z| < 5 has p < 1e-5; a coin of 0.54 fails.
    assert np.abs(shares - p).max() < 5 * 0.5 / np.sqrt(tried)
    return p


@pytest.mark.parametrize(("rule", "nats"), [("average", 0.646220), ("majority", 0.535074), ("decimation", 0.453983)])
def test_what_a_block_spin_tells_of_the_rest_of_the_lattice(rule, nats):
    """Mutual information of one block and the 12 other spins of 4x4, at T_c, against its exact value.

    Every one of the 16 configurations of a block counts: a tie that is always up gives 0.5169 for majority.
    """
    spins, weights = every_configuration()
    bits = (spins > 0).reshape(-1, 16)
    inside = np.array([0, 1, 4, 5])
    outside = np.setdiff1d(np.arange(16), inside)
    joint = np.zeros((16, 2**12))
    np.add.at(joint, (bits[:, inside] @ (1 << np.arange(4)), bits[:, outside] @ (1 << np.arange(12))), weights)
    joint = response(rule).T @ joint
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    there = joint > 0
    assert (joint[there] * np.log(joint[there] / product[there])).sum() == pytest.approx(nats, abs=1e-6)


def test_blocks_are_disjoint_and_lie_where_their_place_says():
    spins = random_spins(50, 6, 8)
    average, kept = (through_kernel(spins, rule) for rule in ("average", "decimation"))
    for y, x in np.ndindex(3, 4):
        block = spins[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2].reshape(50, 4)
        np.testing.assert_array_equal(average[:, y, x], block.mean(axis=1))
        assert any(np.array_equal(kept[:, y, x], one) for one in block.T)


def test_averages_compose():
    spins = random_spins(30, 8, 8)
    twice = through_kernel(through_kernel(spins, "average"), "average")
    np.testing.assert_array_equal(twice, spins.reshape(30, 2, 4, 2, 4).mean(axis=(2, 4)))


def test_a_majority_of_majorities_is_not_the_majority_of_the_larger_block():
    """Two blocks with a bare majority up and two that are all down: 6 spins of 16 are up, but two blocks of four."""
    bare, down = np.array([[1, 1], [1, -1]]), np.full((2, 2), -1)
    spins = np.repeat(np.block([[bare, down], [down, bare]])[None].astype(np.int8), 1000, axis=0)
    twice = through_kernel(through_kernel(spins, "majority", seed=1), "majority", seed=2)
    assert abs(twice.mean()) < 5 / np.sqrt(1000)  # a fair coin: false alarm 6e-7; the larger block would give -1


@pytest.mark.parametrize("rule", RULES)
def test_all_spins_turned_over_turn_over_the_block_spins(rule):
    """But where a coin decides, which is the same coin."""
    spins = random_spins(200, 4, 4)
    up, down = (block_spins(sign * spins, rule, rng()) for sign in (1, -1))
    tied = spins.reshape(200, 2, 2, 2, 2).sum(axis=(2, 4)) == 0
    decided = ~tied if rule == "majority" else np.ones_like(tied)
    np.testing.assert_array_equal(up[decided], -down[decided])
    np.testing.assert_array_equal(up[~decided], down[~decided])


def test_more_configurations_leave_the_former_ones_as_they_are():
    spins = random_spins(BLOCK + 700, 4, 4)
    few, many = (through_kernel(spins[:count], "majority") for count in (BLOCK + 300, BLOCK + 700))
    np.testing.assert_array_equal(few, many[: len(few)])


def test_axes_of_one_label_in_front_are_accepted_and_others_refused():
    spins = random_spins(10, 4, 4)
    params = BlockSpinParams(spins.shape)
    _, one = BLOCK_SPIN.advance(params, (np.array(0),), rng(), {"data": {"spins": spins[None, None]}})
    np.testing.assert_array_equal(one["spins"], through_kernel(spins, "average"))
    with pytest.raises(ValueError, match=r"found spins of shape \(2, 10, 4, 4\); wanted 10 configurations of 4x4"):
        BLOCK_SPIN.init(params, rng(), {"data": {"spins": np.stack([spins, spins])}})


def test_odd_sides_are_refused():
    with pytest.raises(ValueError, match="found lattices of 8x9; wanted even sides"):
        BlockSpinParams((10, 8, 9))
