"""The Ising model on the periodic square lattice."""

from kernels.ising.kernel import ISING
from kernels.ising.params import IsingParams

__all__ = ["ISING", "IsingParams"]
