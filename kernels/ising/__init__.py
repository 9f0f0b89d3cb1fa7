"""The Ising model on the periodic square lattice."""

from sweep.kernels.ising.kernel import ISING
from sweep.kernels.ising.params import IsingParams

__all__ = ["ISING", "IsingParams"]
