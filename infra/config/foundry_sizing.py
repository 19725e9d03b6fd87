"""Capacity of a model's deployment: tokens per minute for the images of the busiest hours; arithmetic.

The service adds up, for a minute, the tokens of each prompt and the highest number of tokens that its answer may have,
and refuses with 429 what exceeds the deployment's capacity: https://learn.microsoft.com/azure/foundry/openai/how-to/quota
"""

import math
from collections.abc import Collection

from infra.core.analysis import AnalyzerName, Feature, FoundryModel

# Tokens of a prompt: an image has at most 1,536 patches of 32 x 32 pixels, and the smaller models count 1.62 tokens for
# each (https://platform.openai.com/docs/guides/images-vision); instructions and schema take about 400.
PROMPT_TOKENS_LOW = 1_300
PROMPT_TOKENS_HIGH = 2_900
# The limit of an answer, with and without text (functions/pipeline/classifier/analyzers/foundry_vision.py).
_ANSWER_LIMIT = 1_000
_ANSWER_LIMIT_WITH_TEXT = 4_000
# Enough for a first batch of images within minutes; capacity costs nothing until it is used.
_LOWEST_KTPM = 100


def derive_capacity(model: FoundryModel, *, peak_rate: float, features: Collection[Feature]) -> int:
    """Return the capacity of the deployment, in thousands of tokens per minute.

    Args:
        model: Its capacity is returned if it has one.
        peak_rate: Images per second in the busiest hours.
        features: What the model is asked for.
    """
    if model.capacity_ktpm is not None:
        return model.capacity_ktpm
    return max(_LOWEST_KTPM, math.ceil(peak_rate * 60 * _counted_tokens(features) / 1_000))


def model_features(analyzer: AnalyzerName, features: Collection[Feature]) -> tuple[Feature, ...]:
    """Return the features that the model is asked for: Content Understanding reads text without it."""
    return tuple(feature for feature in features if feature != "read" or analyzer != "content-understanding")


def calls_per_second(capacity_ktpm: int, features: Collection[Feature]) -> float:
    """Return the calls per second that a capacity allows."""
    return round(capacity_ktpm * 1_000 / 60 / _counted_tokens(features), 3)


def _counted_tokens(features: Collection[Feature]) -> int:
    """Tokens that the service counts for one call."""
    return PROMPT_TOKENS_HIGH + (_ANSWER_LIMIT_WITH_TEXT if "read" in features else _ANSWER_LIMIT)
