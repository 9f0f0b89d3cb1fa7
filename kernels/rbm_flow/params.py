"""Parameters of the kernel ``rbm_flow``."""

from __future__ import annotations

from dataclasses import dataclass

from sweep.kernels.contract import parameter


@dataclass(frozen=True)
class RBMFlowParams:
    """Parameters of the flow.

    The authors' public code draws every layer in +-1, lengths 1 to 29, and groups configurations by the temperature
    class that the thermometer gives them at that step of the flow; the printed equations read as tanh means. How many
    configurations flow is not known.

    Raises
    ------
    ValueError
        When there are no temperatures, or more configurations are to be kept than flow.
    """

    size: int = parameter("sites per side of the periodic square lattice", ge=3)
    start_temperatures: tuple[float, ...] = parameter("temperatures of the data, from their labels", units="J/k_B")
    temperatures: tuple[float, ...] = parameter("classes of the thermometer, from its labels", units="J/k_B", ge=0)
    length: int = parameter("steps v -> h -> v of the flow", default=29, ge=1)
    statistics: str = parameter(
        "units drawn in +-1 (sampled) or replaced by their tanh means (mean_field)",
        default="sampled",
        choices=("sampled", "mean_field"),
    )
    bins: int = parameter("groups of configurations, each complete on its own", default=4, ge=1, extent=True)
    configurations: int = parameter("configurations per start temperature and bin", default=500, ge=1)
    correlators: bool = parameter(
        "give two-point functions too: most of what long flows take on the disk", default=True
    )
    keep: int = parameter("configurations per start temperature and bin that are kept at every step", default=0, ge=0)

    def __post_init__(self) -> None:
        if not self.start_temperatures or not self.temperatures:
            raise ValueError("temperatures: found none; wanted those of the data and the thermometer's classes")
        if self.keep > self.configurations:
            raise ValueError(f"keep: found {self.keep}; wanted at most configurations, which is {self.configurations}")
