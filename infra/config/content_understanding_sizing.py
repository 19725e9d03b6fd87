"""Accounts for Content Understanding, and the rates and capacities of each; arithmetic.

An account analyzes 1,000 images or pages in a minute, and accepts 3,000 operations:
https://learn.microsoft.com/azure/ai-services/content-understanding/service-limits#resource-limits. An operation is a
request: one that starts an analysis, and each that asks whether it has ended.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from infra.config.foundry_sizing import calls_per_second, derive_capacity, model_features
from infra.core.analysis import Feature, FoundryModel

_IMAGES_PER_SECOND = 1_000 / 60
_OPERATIONS_PER_SECOND = 3_000 / 60
# The first request for a result is made when most analyses have ended; some need another one.
_POLLS = 2
_OPERATIONS_PER_ANALYSIS = 1 + _POLLS


@dataclass(frozen=True, kw_only=True)
class ContentUnderstandingSizing:
    """Sizes for a workload.

    Attributes:
        accounts: Number of accounts.
        capacity_ktpm: Thousands of tokens per minute of each account's deployment.
        calls_per_second: Analyses that an account may start in a second.
        operations_per_second: Requests that an account accepts in a second.
    """

    accounts: int
    capacity_ktpm: int
    calls_per_second: float
    operations_per_second: float


def size_content_understanding(
    model: FoundryModel, *, peak_rate: float, features: Collection[Feature]
) -> ContentUnderstandingSizing:
    """Return the sizes for the images of the busiest hours.

    Args:
        model: The model and its deployment; its capacity, if it has one, is divided among the accounts.
        peak_rate: Images per second in the busiest hours.
        features: What the analyzer is asked for. Text is an analysis of its own, without the model.
    """
    analyses = analyses_per_image(features)
    rate = min(_IMAGES_PER_SECOND, _OPERATIONS_PER_SECOND / _OPERATIONS_PER_ANALYSIS)
    accounts = max(1, math.ceil(peak_rate * analyses / rate))
    model_calls = model_features("content-understanding", features)
    total = derive_capacity(model, peak_rate=peak_rate, features=model_calls)
    capacity = math.ceil(total / accounts) if model.capacity_ktpm is None else max(1, total // accounts)
    # Only one of an image's analyses calls the model.
    calls = min(_IMAGES_PER_SECOND, analyses * calls_per_second(capacity, model_calls))
    return ContentUnderstandingSizing(
        accounts=accounts,
        capacity_ktpm=capacity,
        calls_per_second=round(calls, 3),
        operations_per_second=_OPERATIONS_PER_SECOND,
    )


def analyses_per_image(features: Collection[Feature]) -> int:
    """Return the analyses of an image: one with the fields of the definition, and one that reads text."""
    return 2 if "read" in features else 1
