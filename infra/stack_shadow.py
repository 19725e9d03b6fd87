"""What `make agreement` needs to know of the successor in the shadow: floors, throughput, and prices."""

from typing import TypedDict

from infra.config.content_understanding_sizing import analyses_per_image, size_content_understanding
from infra.config.cost.foundry import content_understanding_fees
from infra.config.cost.meters import MODEL_TOKENS
from infra.config.cost.price_list import PriceList
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.settings import Settings
from infra.core.analysis import Shadow, successor_features

_THOUSAND = 1_000
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
    imagesPerSecond: float
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
    floors = settings.agreement
    return ShadowOutput(
        analyzer=shadow.analyzer,
        percent=shadow.percent,
        container="comparisons",
        peakRate=settings.sizing.peak_rate,
        imagesPerSecond=_images_per_second(shadow, settings),
        prices=_prices(shadow, settings, prices),
        minImages=floors.min_images,
        minLabelPercent=floors.min_label_percent,
        minCategoryPercent=floors.min_category_percent,
        minCaptionPercent=floors.min_caption_percent,
        maxTextErrorPercent=floors.max_text_error_percent,
    )


def _images_per_second(shadow: Shadow, settings: Settings) -> float:
    """Return what the successor's quotas allow when all images are for it."""
    features = successor_features(settings.features)
    peak_rate = settings.sizing.peak_rate
    if shadow.analyzer == "content-understanding":
        sizing = size_content_understanding(settings.foundry, peak_rate=peak_rate, features=features)
        return round(sizing.accounts * sizing.calls_per_second / analyses_per_image(features), 3)
    return calls_per_second(derive_capacity(settings.foundry, peak_rate=peak_rate, features=features), features)


def _prices(shadow: Shadow, settings: Settings, prices: PriceList) -> list[Price]:
    """Return the prices of the metrics that comparisons have, and of what is charged for each image."""
    meters = MODEL_TOKENS[settings.foundry.name, settings.foundry.deployment_type]
    metric_prices = [
        Price(metric=metric, per=_MILLION, usd=prices.cost(meter, _MILLION))
        for metric, meter in zip(("inputTokens", "outputTokens"), meters, strict=True)
    ]
    if shadow.analyzer == "content-understanding":
        fees = content_understanding_fees(images=_THOUSAND, features=successor_features(settings.features))
        usd = sum(prices.cost(fee.meter, fee.high) for fee in fees)
        metric_prices.append(Price(metric="images", per=_THOUSAND, usd=usd))
    return metric_prices
