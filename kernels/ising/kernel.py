"""The kernel ``ising``: configurations and averages of the Ising model at one size and temperature."""

from __future__ import annotations

import numpy as np

from sweep.kernels.contract import Arrays, Inputs, Kernel, Output, State
from sweep.kernels.ising.chains import samples
from sweep.kernels.ising.exact import STATIONARITY
from sweep.kernels.ising.measure import energy_correlation, moments
from sweep.kernels.ising.params import IsingParams
from sweep.kernels.ising.schedule import NANOSECONDS, chains, schedule


def outputs(params: IsingParams) -> dict[str, Output]:
    """Return the outputs of all blocks together.

    The last bin may hold chains whose own results are beyond `configurations`: a bin is always of whole blocks.
    """
    side = np.arange(params.size)
    plane = {"dy": side, "dx": side}
    bins, together = -(-params.replicas // params.replicas_per_bin), chains(params)

    def per_replica(units: str, description: str) -> Output:
        return Output(("replica",), (params.replicas,), "float64", units, description, block=together)

    def per_bin(units: str, description: str) -> Output:
        shape, block = (bins, params.size, params.size), together // params.replicas_per_bin
        return Output(("bin", "dy", "dx"), shape, "float64", units, description, plane, block)

    def sweeps(description: str) -> Output:
        return Output((), (), "int64", "mcs", description)

    return {
        "update": Output((), (), "str", "", "update that draws the configurations", words=tuple(NANOSECONDS)),
        "equilibration_sweeps": sweeps("sweeps before the first sample of a chain"),
        "interval_sweeps": sweeps("sweeps between samples of a chain"),
        "energy": per_replica("J", "energy per site"),
        "energy2": per_replica("J^2", "square of the energy per site"),
        "abs_magnetization": per_replica("", "absolute magnetization per site"),
        "m2": per_replica("", "square of the magnetization per site"),
        "m4": per_replica("", "fourth power of the magnetization per site"),
        "spin_correlation": per_bin("", "spin-spin correlation, averaged over translations"),
        "energy_correlation": per_bin("J^2", "connected correlation of two horizontal bonds"),
        "spins": Output(
            ("configuration", "y", "x"),
            (params.configurations, params.size, params.size),
            "int8",
            "",
            "spins, +1 or -1",
            {"y": side, "x": side},
            together * params.samples,
        ),
    }


def advance(params: IsingParams, state: State, rng: np.random.Generator, inputs: Inputs) -> tuple[State, Arrays]:
    """Return a fresh ensemble of independent chains and what was measured on it; there is no state."""
    spins = np.empty((chains(params), params.samples, params.size, params.size), np.int8)
    energy, magnetization = np.empty((2, *spins.shape[:2]), np.int64)
    pairs = np.zeros((2, len(spins) // params.replicas_per_bin, params.size, params.size), np.int64)
    bonds = np.zeros(len(spins), np.int64)
    for number, drawn in enumerate(samples(params, rng)):
        spins[:, number], energy[:, number], magnetization[:, number] = drawn[:3]
        pairs += drawn.pairs
        bonds += drawn.bonds
    terms, plan = params.sites * params.samples, schedule(params)
    return (), {
        "update": np.array(plan.algorithm),
        "equilibration_sweeps": np.array(plan.equilibration, np.int64),
        "interval_sweeps": np.array(plan.interval, np.int64),
        **moments(energy, magnetization, params.sites),
        "spin_correlation": pairs[0] / (params.replicas_per_bin * terms),
        "energy_correlation": energy_correlation(pairs[1], bonds, terms),
        "spins": spins.reshape(-1, params.size, params.size),
    }


def cost(params: IsingParams) -> float:
    """Return the seconds of one block: sweeps by the times that `schedule` knows, and 30 ns a spin and sample."""
    measured = chains(params) * params.sites * params.samples
    return 1e-3 + (NANOSECONDS[schedule(params).algorithm] * work(params) + 30 * measured) * 1e-9


def work(params: IsingParams) -> float:
    """Return the spins that the sweeps of one block go over."""
    plan = schedule(params)
    sweeps = plan.equilibration + (params.samples - 1) * plan.interval if params.temperature else 0
    return float(chains(params) * params.sites * sweeps)


def _init(params: IsingParams, rng: np.random.Generator, inputs: Inputs) -> State:
    return ()


ISING = Kernel(
    name="ising",
    version=8,
    params=IsingParams,
    outputs=outputs,
    init=_init,
    advance=advance,
    cost=cost,
    work=work,
    work_unit="spin flips",
    blocks=lambda params: -(-params.replicas // chains(params)),
    example=IsingParams(size=5, temperature=2.3, configurations=150, samples=2, replicas_per_bin=16),
    stationarity=STATIONARITY,
    description="Ising model on the periodic square lattice: Metropolis, Swendsen-Wang or Wolff",
)
