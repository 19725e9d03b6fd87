"""What each analyzer costs for the same images: side by side, for the features that it has."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infra.config.cost.estimate import estimate_cost
from infra.config.cost.price_list import PriceList
from infra.config.cost.vision import analyzer_usage
from infra.config.cost.workload import Workload
from infra.core.analysis import (
    ANALYZERS,
    FEATURES,
    FOUNDRY_ANALYZERS,
    FOUNDRY_FEATURES,
    AnalyzerName,
    Feature,
    FoundryModel,
)
from infra.core.errors import SizingError

# A classification project has tags alone; one that detects has objects too (infra/config/feature_rules.py).
_FEATURES: Mapping[AnalyzerName, Collection[Feature]] = {
    "image-analysis": FEATURES,
    "custom-vision": ("tags",),
    **dict.fromkeys(FOUNDRY_ANALYZERS, FOUNDRY_FEATURES),
}


@dataclass(frozen=True, kw_only=True)
class AnalyzerCost:
    """What a thousand images cost with an analyzer, in USD.

    Attributes:
        analyzer: Its name.
        model: Name, version and deployment type of its model; empty without one.
        features: The features of the workload that it has.
        missing: Those that it has not.
        analyzer_low: Cost of the analyzer alone, under the more favorable assumptions.
        analyzer_high: The same, under the less favorable ones.
        total_low: Cost of the whole stack.
        total_high: The same, under the less favorable assumptions.
    """

    analyzer: AnalyzerName
    model: str
    features: tuple[Feature, ...]
    missing: tuple[Feature, ...]
    analyzer_low: float
    analyzer_high: float
    total_low: float
    total_high: float


def compare_analyzers(workload: Workload, prices: PriceList) -> list[AnalyzerCost]:
    """Return the analyzers that have at least one feature of the workload; without those beyond Azure's limits.

    Raises:
        PriceListError: The list has no price for a meter.
    """
    costs: list[AnalyzerCost] = []
    for analyzer in ANALYZERS:
        features: tuple[Feature, ...] = tuple(
            feature for feature in workload.features if feature in _FEATURES[analyzer]
        )
        if analyzer == "content-understanding" and not {"tags", "caption"} & {*features}:
            # infra/config/foundry_rules.py
            continue
        if not features:
            continue
        try:
            costs.append(_analyzer_cost(analyzer, features, workload, prices))
        except SizingError:
            continue
    return costs


def _analyzer_cost(
    analyzer: AnalyzerName, features: tuple[Feature, ...], workload: Workload, prices: PriceList
) -> AnalyzerCost:
    model = (workload.foundry or FoundryModel()) if analyzer in FOUNDRY_ANALYZERS else None
    changed = replace(
        workload,
        features=features,
        custom_vision=analyzer == "custom-vision",
        foundry=model,
        content_understanding=analyzer == "content-understanding",
    )
    estimate = estimate_cost(changed, prices)
    usages = analyzer_usage(changed)
    per_thousand = 1_000 / workload.images_per_month
    return AnalyzerCost(
        analyzer=analyzer,
        model="" if model is None else f"{model.name} {model.version} ({model.deployment_type})",
        features=features,
        missing=tuple(feature for feature in workload.features if feature not in features),
        analyzer_low=sum(prices.cost(usage.meter, usage.low) for usage in usages) * per_thousand,
        analyzer_high=sum(prices.cost(usage.meter, usage.high) for usage in usages) * per_thousand,
        total_low=estimate.low * per_thousand,
        total_high=estimate.high * per_thousand,
    )


def analyzers_json(costs: Sequence[AnalyzerCost]) -> list[dict[str, Any]]:
    """Return the comparison for programs; amounts are USD for a thousand images and not rounded."""
    return [
        {
            "analyzer": cost.analyzer,
            "model": cost.model,
            "features": [*cost.features],
            "missingFeatures": [*cost.missing],
            "analyzerLow": cost.analyzer_low,
            "analyzerHigh": cost.analyzer_high,
            "totalLow": cost.total_low,
            "totalHigh": cost.total_high,
        }
        for cost in costs
    ]
