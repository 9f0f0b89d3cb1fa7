"""Restricted Boltzmann machines with units in +-1: the machine, its training, and the kernel."""

from sweep.kernels.rbm.kernel import RBM
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.snapshot import RBM_SNAPSHOT, SnapshotParams

__all__ = ["RBM", "RBM_SNAPSHOT", "RBMParams", "SnapshotParams"]
