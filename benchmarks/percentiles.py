"""Percentiles of measured times."""

import statistics
from collections.abc import Sequence


def median(milliseconds: Sequence[float]) -> float:
    """The median, to a tenth of a millisecond."""
    return round(statistics.median(milliseconds), 1)


def percentile_99(milliseconds: Sequence[float]) -> float:
    """The 99th percentile, to a tenth of a millisecond; of few times it is close to the highest."""
    return round(statistics.quantiles(milliseconds, n=100, method="inclusive")[98], 1)
