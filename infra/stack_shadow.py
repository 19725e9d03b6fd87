"""What `make agreement` needs to know of the successor in the shadow: floors, throughput, and prices."""

from typing import TypedDict

from infra.config.content_understanding_sizing import analyses_per_image, size_content_understanding
from infra.config.cost.foundry import CONTEXTUALIZATION_TOKENS_PER_IMAGE
from infra.config.cost.meters import CONTEXTUALIZATION_TOKENS, MODEL_TOKENS, READ_PAGES
from infra.config.cost.price_list import PriceList
from infra.config.foundry_sizing import calls_per_second, derive_capacity
from infra.config.settings import Settings
from infra.core.analysis import AnalyzerName, Shadow, successor_features

_THOUSAND, _MILLION = 1_000, 1_000_000


class Price(TypedDict):
    """What `per` units of a metric of the code cost, in USD; `images` are the images themselves."""

    metric: str
    per: int
    usd: float


class ShadowOutput(TypedDict):
    """The stack output `shadow`."""

    analyzer: str
    percent: float
    container: str
    # Images per second in the busiest hours, and what the successor allows as the analyzer of the stack: each image is
    # one call of its model.
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
    peak_rate = settings.sizing.peak_rate
    floors = settings.agreement
    return ShadowOutput(
        analyzer=shadow.analyzer,
        percent=shadow.percent,
        container="comparisons",
        peakRate=peak_rate,
        callsPerSecond=_images_per_second(shadow.analyzer, settings),
        prices=_prices(shadow.analyzer, settings, prices),
        minImages=floors.min_images,
        minLabelPercent=floors.min_label_percent,
        minCategoryPercent=floors.min_category_percent,
        minCaptionPercent=floors.min_caption_percent,
        maxTextErrorPercent=floors.max_text_error_percent,
    )


def _images_per_second(name: AnalyzerName, settings: Settings) -> float:
    features = successor_features(settings.features)
    peak_rate = settings.sizing.peak_rate
    if name == "content-understanding":
        sizing = size_content_understanding(settings.foundry, peak_rate=peak_rate, features=features)
        return round(sizing.accounts * sizing.calls_per_second / analyses_per_image(features), 3)
    return calls_per_second(derive_capacity(settings.foundry, peak_rate=peak_rate, features=features), features)


def _prices(name: AnalyzerName, settings: Settings, prices: PriceList) -> list[Price]:
    meters = MODEL_TOKENS[settings.foundry.name, settings.foundry.deployment_type]
    usages = [
        Price(metric=metric, per=_MILLION, usd=prices.cost(meter, _MILLION))
        for metric, meter in zip(("inputTokens", "outputTokens"), meters, strict=True)
    ]
    if name == "content-understanding":
        tokens = _THOUSAND * CONTEXTUALIZATION_TOKENS_PER_IMAGE
        usages.append(Price(metric="images", per=_THOUSAND, usd=prices.cost(CONTEXTUALIZATION_TOKENS, tokens)))
        if "read" in settings.features:
            usages.append(Price(metric="images", per=_THOUSAND, usd=prices.cost(READ_PAGES, _THOUSAND)))
    return usages
