"""What readings of known temperatures add up to: loss, confusion, mean reading and calibration."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.kernels.contract import Array, Output

CONFIDENCE_BINS = 50


class Tally(NamedTuple):
    """Sums over configurations of known temperature class; filled in place by `add_readings`.

    Parameters
    ----------
    loss : float64[]
        Sum of -ln p(true class), nats.
    confusion : int64[true, class]
        How often each class was the most likely one.
    probability : float64[true, class]
        Sum of the probabilities.
    reading : float64[2, true]
        Sums of the mean temperature sum_T T p(T), and of its square.
    calibration : float64[3, CONFIDENCE_BINS]
        By the probability of the most likely class: count, sum of that probability, how often it was right.
    """

    loss: Array
    confusion: Array
    probability: Array
    reading: Array
    calibration: Array


def empty_tally(classes: int) -> Tally:
    """Return the tally of no configurations."""
    return Tally(
        np.zeros(()),
        np.zeros((classes, classes), np.int64),
        np.zeros((classes, classes)),
        np.zeros((2, classes)),
        np.zeros((3, CONFIDENCE_BINS)),
    )


def add_readings(tally: Tally, true: int, log_probabilities: Array, temperatures: Array) -> None:
    """Add the readings of configurations that all have the class `true`, in place.

    Parameters
    ----------
    log_probabilities : float[n, temperature_class]
    temperatures : float[temperature_class]
    """
    classes = len(temperatures)
    probabilities = np.exp(log_probabilities)
    likeliest = log_probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    readings = (probabilities @ temperatures.astype(probabilities.dtype)).astype(np.float64)
    tally.loss[...] -= log_probabilities[:, true].sum(dtype=np.float64)
    tally.confusion[true] += np.bincount(likeliest, minlength=classes)
    tally.probability[true] += probabilities.sum(axis=0, dtype=np.float64)
    tally.reading[:, true] += readings.sum(), np.square(readings).sum()
    place = np.minimum((confidence * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
    for row, weight in enumerate((np.ones_like(confidence), confidence, (likeliest == true).astype(np.float64))):
        tally.calibration[row] += np.bincount(place, weight, CONFIDENCE_BINS)


def mean_loss(tally: Tally) -> float:
    """Return the mean cross-entropy in nats; NaN of nothing."""
    count = tally.confusion.sum()
    return float(tally.loss / count) if count else np.nan


def accuracy(tally: Tally) -> float:
    """Return how often the most likely class was the true one; NaN of nothing."""
    count = tally.confusion.sum()
    return float(np.trace(tally.confusion) / count) if count else np.nan


def tally_results(tally: Tally, prefix: str) -> dict[str, Array]:
    """Return the tally as the outputs that `tally_outputs` describes."""
    count = tally.confusion.sum(axis=1)
    cases, confidence, right = tally.calibration
    with np.errstate(invalid="ignore", divide="ignore"):  # empty bins are NaN
        mean, square = tally.reading / count
        return {
            f"{prefix}_confusion": tally.confusion.copy(),
            f"{prefix}_distribution": tally.probability / count[:, None],
            f"{prefix}_reading": mean,
            f"{prefix}_reading_std": np.sqrt(np.maximum(square - mean**2, 0)),
            f"{prefix}_calibration_count": cases.astype(np.int64),
            f"{prefix}_calibration_confidence": confidence / cases,
            f"{prefix}_calibration_accuracy": right / cases,
        }


def tally_outputs(temperatures: tuple[float, ...], prefix: str, reader: str) -> dict[str, Output]:
    """Return what `tally_results` gives, described."""
    classes = len(temperatures)
    true = {"true_temperature": np.array(temperatures)}
    both = {**true, "temperature_class": np.array(temperatures)}
    centres = {"confidence": (np.arange(CONFIDENCE_BINS) + 0.5) / CONFIDENCE_BINS}
    pair = ("true_temperature", "temperature_class"), (classes, classes)
    single = ("true_temperature",), (classes,)
    bins = ("confidence",), (CONFIDENCE_BINS,)
    data = f"by the {reader}, validation data"
    return {
        f"{prefix}_confusion": Output(
            *pair, "int64", description=f"configurations by most likely class, {data}", coords=both
        ),
        f"{prefix}_distribution": Output(
            *pair, "float64", description=f"mean probability of each class, {data}", coords=both
        ),
        f"{prefix}_reading": Output(
            *single, "float64", "J/k_B", f"mean of the mean temperature sum_T T p(T), {data}", true
        ),
        f"{prefix}_reading_std": Output(
            *single, "float64", "J/k_B", f"standard deviation over configurations of sum_T T p(T), {data}", true
        ),
        f"{prefix}_calibration_count": Output(
            *bins,
            "int64",
            description=f"how often the most likely class is this probable, {data}",
            coords=centres,
        ),
        f"{prefix}_calibration_confidence": Output(
            *bins, "float64", description=f"mean probability of the most likely class, {data}", coords=centres
        ),
        f"{prefix}_calibration_accuracy": Output(
            *bins, "float64", description=f"how often the most likely class is right, {data}", coords=centres
        ),
    }
