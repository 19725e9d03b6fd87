"""What `make agreement` needs to know of the successor in the shadow: floors, throughput, and prices."""

from typing import TypedDict

from infra.config.cost.meters import MODEL_TOKENS
from infra.config.cost.price_list import PriceList
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.settings import Settings
from infra.core.analysis import Shadow, successor_features

_MILLION = 1_000_000


class Price(TypedDict):
    """What `per` units of a metric of the code cost, in USD."""

    metric: str
    per: int
    usd: float


class ShadowOutput(TypedDict):
    """The stack output `shadow`."""

    analyzer: str
    percent: float
    container: str
    # Images per second in the busiest hours, and what the successor allows as the analyzer of the stack.
    peakRate: float
    callsPerSecond: float
    prices: list[Price]
    minImages: int
    minLabelPercent: int
    minCategoryPercent: int
    minCaptionPercent: int
    maxTextErrorPercent: int


def describe_shadow(shadow: Shadow, settings: Settings, prices: PriceList) -> ShadowOutput:
    """Return the stack output `shadow`.

    Args:
        shadow: The successor, and its share of the images.
        settings: The stack's settings.
        prices: The price list of the stack's region.
    """
    features = successor_features(settings.features)
    peak_rate = settings.sizing.peak_rate
    capacity_ktpm = derive_capacity(settings.foundry, peak_rate=peak_rate, features=features)
    floors = settings.agreement
    return ShadowOutput(
        analyzer=shadow.analyzer,
        percent=shadow.percent,
        container="comparisons",
        peakRate=peak_rate,
        callsPerSecond=calls_per_second(capacity_ktpm, features),
        prices=_token_prices(settings, prices),
        minImages=floors.min_images,
        minLabelPercent=floors.min_label_percent,
        minCategoryPercent=floors.min_category_percent,
        minCaptionPercent=floors.min_caption_percent,
        maxTextErrorPercent=floors.max_text_error_percent,
    )


def _token_prices(settings: Settings, prices: PriceList) -> list[Price]:
    meters = MODEL_TOKENS[settings.foundry.name, settings.foundry.deployment_type]
    return [
        Price(metric=metric, per=_MILLION, usd=prices.cost(meter, _MILLION))
        for metric, meter in zip(("inputTokens", "outputTokens"), meters, strict=True)
    ]
