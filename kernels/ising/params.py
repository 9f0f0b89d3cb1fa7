"""What an Ising simulation is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sweep.kernels.contract import parameter

ALGORITHMS = ("auto", "metropolis", "swendsen_wang", "wolff")
HOTTEST = 100.0
"""J/k_B; hotter, a sweep of Metropolis flips all spins, and a Wolff cluster is a single spin: parity hardly changes."""


@dataclass(frozen=True)
class IsingParams:
    """One ensemble: a lattice at a temperature, and how much of it to draw.

    Every chain is independent of all others. It equilibrates once and then records `samples` configurations, so that
    ``ceil(configurations / samples)`` chains make a point; results "per replica" are means over a chain's samples.
    """

    size: int = parameter("spins along each side of the periodic square lattice", ge=3, le=4096)
    temperature: float = parameter("temperature", units="J/k_B", ge=0.0)
    algorithm: str = parameter(
        "update; auto takes the fastest in effective samples", default="auto", choices=ALGORITHMS
    )
    configurations: int = parameter("configurations kept, of all chains together", default=2000, ge=1, extent=True)
    samples: int = parameter("configurations that each independent chain records", default=1, ge=1)
    replicas_per_bin: int = parameter(
        "chains that share one estimate of the correlators", default=16, choices=(2, 4, 8, 16, 32, 64)
    )
    equilibration: int = parameter("sweeps before a chain's first sample; 0 for the rule", default=0, ge=0, units="mcs")
    interval: int = parameter("sweeps between a chain's samples; 0 for the rule", default=0, ge=0, units="mcs")

    def __post_init__(self) -> None:
        """Refuse Metropolis and Wolff where they would take forever."""
        if self.algorithm in ("metropolis", "wolff") and self.temperature > HOTTEST:
            raise ValueError(f"{self.algorithm} hardly mixes above temperature {HOTTEST:g}; use auto or swendsen_wang")

    @property
    def sites(self) -> int:
        """Return the number of spins."""
        return self.size**2

    @property
    def replicas(self) -> int:
        """Return the number of chains that are kept."""
        return -(-self.configurations // self.samples)
