"""Thermometers: from a configuration to a distribution over temperatures, learnt and exact."""

from sweep.kernels.thermometer.kernel import THERMOMETER, ThermometerParams

__all__ = ["THERMOMETER", "ThermometerParams"]
