"""Statistics of a sample: means with their intervals."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

# The normal deviate of 95 %.
_DEVIATE = 1.959964
# Resamples: as many as take about a second.
_MOST_RESAMPLES = 1_000
_FEWEST_RESAMPLES = 200
_DRAWS = 2_000_000
_LOW = 0.025
_HIGH = 0.975


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean or a share, and its interval of 95 %.

    Attributes:
        count: Number of values.
        mean: Their mean.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    count: int
    mean: float
    low: float
    high: float


def bootstrap_mean(values: Sequence[float]) -> Estimate | None:
    """Return the mean with its bootstrap interval (percentiles of resampled means); None without values.

    The generator has a fixed seed: the same comparisons give the same report.
    """
    if not values:
        return None
    generator = random.Random(1)  # noqa: S311 (no secret depends on it)
    count = len(values)
    resamples = max(_FEWEST_RESAMPLES, min(_MOST_RESAMPLES, _DRAWS // count))
    means = sorted(sum(generator.choices(values, k=count)) / count for _ in range(resamples))
    return Estimate(
        count=count,
        mean=sum(values) / count,
        low=means[int(_LOW * (resamples - 1))],
        high=means[math.ceil(_HIGH * (resamples - 1))],
    )


def wilson_share(successes: int, count: int) -> Estimate | None:
    """Return a share with its Wilson score interval, which holds for few values too; None without values.

    https://doi.org/10.1080/01621459.1927.10502953
    """
    if not count:
        return None
    share = successes / count
    square = _DEVIATE**2
    center = (share + square / (2 * count)) / (1 + square / count)
    margin = _DEVIATE * math.sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return Estimate(count=count, mean=share, low=max(0.0, center - margin), high=min(1.0, center + margin))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least a share of the values does not exceed; None without values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
