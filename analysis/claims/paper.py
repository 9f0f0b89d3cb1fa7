"""What Sections III and IV of the paper claim, arXiv:1906.05212, as ranges of numbers."""

from __future__ import annotations

import numpy as np

from sweep.analysis.claims.claim import Claim
from sweep.analysis.exact.ising import CRITICAL_TEMPERATURE, DELTA_EPSILON, DELTA_SIGMA

NEAR = 0.1  # of a value, which is what "near" is read as
CLASS = 0.1  # J/k_B: the paper's thermometer tells no temperatures apart that are nearer than this
LENGTH = 26  # flow steps
_NEAR = f"near: within {NEAR:.0%}"


def _around(value: float) -> tuple[float, float]:
    return (1 - NEAR) * value, (1 + NEAR) * value


FLOW_ENDS = Claim(
    "III",
    "2–6",
    "The RBM flow ends at the critical temperature.",
    "temperature at which the flow of a training ends, by its energy (J/k_B)",
    CRITICAL_TEMPERATURE - CLASS,
    CRITICAL_TEMPERATURE + CLASS,
    reading="T_c to the width of a class of the paper's thermometer",
    known="the flow of a perfectly trained machine ends in the mixture of its training data",
)
FLOW_LENGTH = Claim(
    "III",
    "2",
    f"The exponent Δm of the magnetisation has converged by flow length {LENGTH}.",
    "convergence length of Δm (flow steps)",
    high=float(LENGTH),
)
MAGNETIZATION = Claim(
    "III",
    "2, 4",
    "Δm of the flow converges to 1/8.",
    "Δm",
    *_around(DELTA_SIGMA),
    reading=_NEAR,
    known="β = 1/8 on the infinite lattice; the same fit to exact ⟨|m|⟩ of 10×10 gives 0.085",
)
THERMOMETER_LOSS = Claim(
    "III",
    "3",
    'Training and validation loss of the thermometer become "very close to zero".',
    "mean cross-entropy on validation data (nats)",
    high=0.1,
    reading="very close to zero: below 0.1 nats",
    known="no reading of a configuration can do better than the exact likelihood of its energy; divided by the number "
    "of classes the loss of the paper's setting is 0.05",
)
SPIN_FLOW = Claim(
    "III",
    "5a",
    "Along the flow, Δσ at T = 2.2 is below 1/8 and at T = 2.3 above: they bracket it.",
    "how far Δσ is on its side of 1/8",
    low=0.0,
    known="perfect data of both temperatures, by the same protocol, lie below 1/8",
)
SPIN_MONTE_CARLO = Claim(
    "III",
    "5b",
    "Δσ from Monte Carlo is near 1/8 at T_c.",
    "Δσ",
    *_around(DELTA_SIGMA),
    reading=_NEAR,
    known="1/8; a plane power law fitted to a torus is too flat, while the torus function gives 1/8",
)
ENERGY_MONTE_CARLO = Claim(
    "III",
    "6a",
    "Δε from Monte Carlo is near 1 at T_c.",
    "Δε",
    *_around(DELTA_EPSILON),
    reading=_NEAR,
    known="1",
)
ENERGY_FLOW = Claim(
    "III",
    "6b",
    "Along the flow, Δε does not converge to 1: RBM flow and RG differ at short scales.",
    "Δε",
    *_around(DELTA_EPSILON),
    within=False,
    reading=f"1 to {NEAR:.0%}",
    known="1, for configurations at T_c; chosen by what a thermometer reads, perfect data give about 2",
)
BLOCK_SPOTS = Claim(
    "IV",
    "7",
    "Block spins are correlated with one bright spot each.",
    "share of block spins with exactly one bright patch",
    low=0.9,
    known="1",
)
BLOCK_SPREAD = Claim(
    "IV",
    "7",
    "The spot is wider after more RG steps.",
    "visible sites above half maximum, after two steps less after one",
    low=0.0,
    known="four times as many sites with every step",
)
BLOCK_FAR = Claim(
    "IV",
    "7",
    'Far from the block "the correlation has dropped to zero".',
    "⟨v h⟩ where it is smallest",
    -0.05,
    0.05,
    reading="zero to 0.05",
    known="at T_c a finite lattice is magnetised, and what goes through m is everywhere",
)
MACHINE_SPOTS = Claim(
    "IV",
    "8",
    "Hidden units are correlated with bright, local patches.",
    "share of hidden units with exactly one bright patch",
    low=0.5,
    reading="most units have exactly one",
    known="1 for block spins; 0 for a machine before training",
)
MACHINE_SIGNS = Claim(
    "IV",
    "8",
    "Signs differ between hidden units.",
    "share of hidden units of sign +1",
    0.1,
    0.9,
    reading="neither sign has 90 %",
    known="1/2 on average: Z2 symmetry",
)
MACHINE_ALIKE = Claim(
    "IV",
    "8a-iii, 7c",
    'The patches of the stack and of two RG steps are "very similar".',
    "cosine with block spins, ⟨m⟩ taken out, signs and places fixed",
    low=0.9,
    reading="a cosine of 0.9 or more",
    known="1 for block spins; raw maps of any units are alike, as all follow m",
)
BLOCK_FALL = Claim(
    "IV",
    "9",
    "G(d) of block spins falls with distance.",
    "slope of a line through G(d) (1/site)",
    high=0.0,
)
MACHINE_FALL = Claim(
    "IV",
    "10, 11",
    "G(d) of hidden units falls as that of block spins, by the same order of magnitude.",
    "slope of G(d), in units of that of exact block averages",
    float(np.sqrt(0.1)),
    float(np.sqrt(10)),
    reading="the same order: within a factor √10",
)
MACHINE_RISE = Claim(
    "IV",
    "11",
    "G(d) of hidden units rises slightly near the largest distance.",
    "slope of G(d) beyond 0.9 of the largest distance (1/site)",
    low=0.0,
    known="exact block averages fall there",
)
NOISE_TREND = Claim(
    "IV",
    "12",
    "G(d) of white noise has no trend.",
    "correlation of G(d) over the distances with that of block averages",
    -0.5,
    0.5,
    reading="a correlation between -0.5 and 0.5",
    known="0",
)
BOARDS_ALIKE = Claim(
    "IV",
    "13",
    "A checkerboard of 16×16 squares has the G(d) of block spins.",
    "correlation of G(d) over the distances with that of block averages",
    low=0.5,
    reading="a correlation above 0.5",
)
BOARDS_UNLIKE = Claim(
    "IV",
    "13",
    "Checkerboards of smaller squares do not have it.",
    "correlation of G(d) over the distances with that of block averages",
    high=0.5,
    reading="a correlation below 0.5",
)
BOARDS_PEAKS = Claim(
    "IV",
    "13",
    "G(d) of checkerboards of smaller squares has several peaks.",
    "peaks that stand out by half the range of G(d)",
    low=2.0,
    reading="several: two or more",
    known="block averages have none",
)
BLOCK_TEMPERATURE = Claim(
    "IV",
    "14a",
    "The temperature of RG layers, averages over blocks, roughly doubles with each step.",
    "factor by which T − T_c grows",
    1.5,
    2.5,
    reading="T − T_c grows by 1.5 to 2.5",
    known="2 at the fixed point (b = 2, ν = 1); averages are no ±1 spins and read hotter with every step, at T_c too",
)
MACHINE_TEMPERATURE = Claim(
    "IV",
    "14b",
    "The temperature of RBM layers jumps after layer 1 and then stays fixed: unlike RG.",
    "change of 1/T from layer 1 to layer 2",
    -0.02,
    0.02,
    reading="fixed: 1/T to 0.02",
    known="RG layers change; RG layers put down in random order, as hidden units are, jump and stay fixed",
)
