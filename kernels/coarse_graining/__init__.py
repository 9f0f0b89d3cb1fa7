"""Layers made from configurations, by blocks or by a machine, and how layers are correlated (paper, Section IV)."""

from sweep.kernels.coarse_graining.block_spin import BLOCK_SPIN, BlockSpinParams
from sweep.kernels.coarse_graining.encode import ENCODE, EncodeParams
from sweep.kernels.coarse_graining.layer_correlation import LAYER_CORRELATION, LayerCorrelationParams
from sweep.kernels.coarse_graining.panel import PANEL, PanelParams

__all__ = [
    "BLOCK_SPIN",
    "ENCODE",
    "LAYER_CORRELATION",
    "PANEL",
    "BlockSpinParams",
    "EncodeParams",
    "LayerCorrelationParams",
    "PanelParams",
]
