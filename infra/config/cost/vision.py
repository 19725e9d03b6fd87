"""Usage of the analyzer: Azure AI Vision by feature group, Custom Vision, a vision model, or Content Understanding."""

from collections.abc import Sequence

from infra.config.cost.foundry import content_understanding_usage, foundry_usage
from infra.config.cost.meters import CUSTOM_VISION, VISION_COMMITMENTS, VISION_GROUP_1, VISION_GROUP_2, VISION_VECTORIZE
from infra.config.cost.price_list import PriceList
from infra.config.cost.usage import Usage, exact
from infra.config.cost.workload import Workload
from infra.core.analysis import Feature, successor_features

# Each feature is billed as one transaction for an image, although one call answers all visual features. Group 2 has
# Describe, Read, Caption and Dense Captions; everything else, with `safety` (Adult of Image Analysis 3.2), is group 1.
# https://azure.microsoft.com/pricing/details/cognitive-services/computer-vision/
GROUP_2_FEATURES: frozenset[Feature] = frozenset({"read", "caption", "denseCaptions"})


def analyzer_usage(workload: Workload) -> list[Usage]:
    """Return the transactions or tokens of the analyzer, and of the model in the shadow.

    The tiers of a meter count those of all accounts together.
    """
    usages = _main_usage(workload)
    if workload.shadow is not None:
        usage = content_understanding_usage if workload.shadow_content_understanding else foundry_usage
        features = successor_features(workload.features)
        usages += usage(workload.shadow, images=workload.shadowed_images, features=features)
    return usages


def _main_usage(workload: Workload) -> list[Usage]:
    images = workload.analyzed_images
    if workload.custom_vision:
        return [exact(CUSTOM_VISION, images, "predictions")]
    if workload.foundry is not None:
        usage = content_understanding_usage if workload.content_understanding else foundry_usage
        return usage(workload.foundry, images=images, features=workload.features)
    features = set(workload.features)
    group_2 = features & GROUP_2_FEATURES
    group_1 = features - group_2 - {"embeddings"}
    usages: list[Usage] = []
    if group_1:
        usages.append(exact(VISION_GROUP_1, images * len(group_1), ", ".join(sorted(group_1))))
    if group_2:
        usages.append(exact(VISION_GROUP_2, images * len(group_2), ", ".join(sorted(group_2))))
    if workload.stores_embeddings:
        usages.append(exact(VISION_VECTORIZE, images, "embeddings"))
    return usages


def commitment_cost(workload: Workload, prices: PriceList) -> float | None:
    """Return what `read` costs with commitment tiers; None if no tier that has a price includes it.

    Only text recognition has commitment tiers, and each is bought for one account, which gets its share of the images:
    https://learn.microsoft.com/azure/ai-services/commitment-tier
    """
    if workload.custom_vision or workload.foundry is not None or "read" not in workload.features:
        return None
    accounts = workload.sizing.vision_accounts
    transactions = workload.analyzed_images / accounts
    costs = _covering_tiers(transactions, prices)
    return None if not costs else accounts * min(costs)


def _covering_tiers(transactions: float, prices: PriceList) -> Sequence[float]:
    """The prices of the tiers that include so many transactions of an account."""
    return [prices.cost(meter, 1) for included, meter in VISION_COMMITMENTS.items() if transactions <= included]
