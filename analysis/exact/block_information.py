"""What a coarse variable of a few spins knows of other spins, exactly: mutual information by enumeration.

A good coarse spin keeps what a block tells about its surroundings (M. Koch-Janusz and Z. Ringel, Nature Physics 14, 578
(2018)); no function of the block can keep more than the block itself does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sweep.analysis.exact.enumeration import Floats, all_spins, boltzmann, ising_hamiltonian, mutual_information


def _sum_is(values: Sequence[int]) -> Callable[[Floats], Floats]:
    return lambda spins: np.asarray(spins.sum(axis=1)[:, None] == np.asarray(values), np.float64)


def _majority(spins: Floats) -> Floats:
    up = (1 + np.sign(spins.sum(axis=1))) / 2
    return np.stack([1 - up, up], axis=1)


RULES: Mapping[str, Callable[[Floats], Floats]] = {
    "block": lambda spins: np.eye(len(spins)),
    "average": _sum_is((-4, -2, 0, 2, 4)),
    "majority": _majority,
    "decimation": lambda spins: _majority(spins[:, :1]),
}
"""p(x|s) of the coarse variable x, float64[2**4, outcomes], from the spins s of a block, float64[2**4, 4]."""


def block_sites(size: int) -> tuple[int, ...]:
    """Return the sites of one 2x2 block of the lattice, in row-major order."""
    return 0, 1, size, size + 1


def block_operator(size: int, rule: str) -> Floats:
    """Return float64[2**(size*size), outcomes], p(x|v) of the variable x that a rule of `RULES` makes of one block."""
    spins = all_spins(size * size)[:, block_sites(size)]
    return RULES[rule](all_spins(4))[(spins > 0) @ (1 << np.arange(4))]


def information_with(sites: Sequence[int], operator: Floats, probabilities: Floats) -> float:
    """Return I(x; v at some sites) in nats, of a variable x that is drawn from p(x|v).

    Parameters
    ----------
    sites : sequence of int
        The spins of v that x is compared with.
    operator : float64[2**visible, outcomes]
        p(x|v), in the order of `all_spins`.
    probabilities : float64[2**visible]
        Those of v.
    """
    count = len(probabilities).bit_length() - 1
    # Bit i of the row's number is spin i, so that the last spin is the first axis of the table.
    others = tuple(count - 1 - site for site in range(count) if site not in sites)
    table = (probabilities[:, None] * operator).reshape(*[2] * count, -1).sum(axis=others)
    return mutual_information(table.reshape(-1, operator.shape[1]))


def block_information(size: int, temperature: float, rule: str) -> float:
    """Return I in nats between the coarse variable of one 2x2 block and all other spins of the `size` x `size` torus.

    Parameters
    ----------
    size : int
        3 or 4.
    temperature : float
        In J/k_B, above 0.
    rule : str
        One of `RULES`: the four spins themselves, their average, their majority with fair ties, or one of them.
    """
    inside = block_sites(size)
    others = [site for site in range(size * size) if site not in inside]
    return information_with(others, block_operator(size, rule), boltzmann(ising_hamiltonian(size, temperature)))
