# SPDX-License-Identifier: Apache-2.0
"""Statistics of samples. Percentiles are by nearest rank: always a value that was measured."""

import math


def percentile(values, percent):
    """The smallest value that at least `percent` of all are not above."""
    if not values:
        raise ValueError("no samples")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def summary(values):
    """Number, least, median, 99th percentile and greatest. The p99 of fewer than 100 is the greatest."""
    return {
        "n": len(values),
        "min": min(values),
        "median": percentile(values, 50),
        "p99": percentile(values, 99),
        "max": max(values),
    }


def spread(values):
    """How far the greatest is from the least, as a part of the median."""
    return (max(values) - min(values)) / percentile(values, 50)
