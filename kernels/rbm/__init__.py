"""Restricted Boltzmann machines with units in +-1: the machine, its training, and the kernel."""

from sweep.kernels.rbm.kernel import RBM
from sweep.kernels.rbm.params import RBMParams
from sweep.kernels.rbm.partition import RBM_PARTITION
from sweep.kernels.rbm.perfect import ISING_MACHINE
from sweep.kernels.rbm.samples import RBM_SAMPLES
from sweep.kernels.rbm.snapshot import RBM_SNAPSHOT, SnapshotParams

__all__ = ["ISING_MACHINE", "RBM", "RBM_PARTITION", "RBM_SAMPLES", "RBM_SNAPSHOT", "RBMParams", "SnapshotParams"]
