"""The flow of configurations through a trained restricted Boltzmann machine."""

from sweep.kernels.rbm_flow.kernel import RBM_FLOW
from sweep.kernels.rbm_flow.params import RBMFlowParams

__all__ = ["RBM_FLOW", "RBMFlowParams"]
