"""Rules on the analyzers that deploy a model of Foundry: what it can do, where it is, and how much quota it takes."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from infra.config.foundry_settings import MAX_CATEGORIES, FoundrySettings
from infra.config.foundry_sizing import derive_capacity, model_features
from infra.config.regions import CONTENT_UNDERSTANDING, FOUNDRY_DATA_ZONE, FOUNDRY_GLOBAL
from infra.config.retirement_rules import retirement_violations, retirement_warnings
from infra.config.stack_config import Violation
from infra.core.analysis import FOUNDRY_ANALYZERS, FOUNDRY_FEATURES, AnalyzerName, Feature, FoundryModel

_REGIONS = {"GlobalStandard": FOUNDRY_GLOBAL, "DataZoneStandard": FOUNDRY_DATA_ZONE}


def foundry_violations(
    *,
    analyzer: AnalyzerName,
    analyzers: Collection[AnalyzerName],
    settings: FoundrySettings,
    features: Collection[Feature],
    gender_neutral_captions: bool,
    min_confidence_percent: int | None,
    today: date,
) -> Iterator[Violation]:
    """Yield the rules that are not met.

    Args:
        analyzer: The configured analyzer.
        analyzers: All that are deployed: besides that one, the shadow and those that are kept for a rollback.
        settings: The settings of the analyzers that deploy a model.
        features: The configured features.
        gender_neutral_captions: The setting of that name.
        min_confidence_percent: The setting of that name.
        today: The date on which models and services may be retired.
    """
    yield from retirement_violations(
        analyzer=analyzer,
        model=settings.foundry,
        accept_retiring_model=settings.accept_retiring_model,
        today=today,
    )
    if not set(analyzers) & set(FOUNDRY_ANALYZERS):
        yield from _unused_settings(settings)
    if "content-understanding" in analyzers:
        others = ("analyzer",) if analyzer == "content-understanding" else ("shadow", "retainedAnalyzers")
        yield from _definition_violations(settings, features=features, other_settings=others)
    if analyzer not in FOUNDRY_ANALYZERS:
        return
    without_successor = sorted(set(features) - set(FOUNDRY_FEATURES))
    if without_successor:
        yield Violation(
            setting="features",
            allowed=f"{', '.join(FOUNDRY_FEATURES)} with analyzer {analyzer}; {', '.join(without_successor)} cannot"
            " be had of a vision model",
            other_settings=("analyzer",),
        )
    if min_confidence_percent is not None:
        yield Violation(
            setting="minConfidencePercent",
            allowed=f"to be left out with analyzer {analyzer}, which states no confidences",
            other_settings=("analyzer",),
        )
    if gender_neutral_captions:
        yield Violation(
            setting="genderNeutralCaptions", allowed=f"false with analyzer {analyzer}", other_settings=("analyzer",)
        )


def _definition_violations(
    settings: FoundrySettings, *, features: Collection[Feature], other_settings: tuple[str, ...]
) -> Iterator[Violation]:
    """Rules on the definition of an analyzer of Content Understanding."""
    if not set(features) & {"tags", "caption"}:
        # A definition has at least one field; text is not one of them.
        yield Violation(
            setting="features",
            allowed="tags or caption among them with content-understanding",
            other_settings=other_settings,
        )
    if len(settings.categories) >= MAX_CATEGORIES:
        yield Violation(
            setting="categories",
            allowed=f"up to {MAX_CATEGORIES - 1} texts with content-understanding",
            other_settings=other_settings,
        )


def _unused_settings(settings: FoundrySettings) -> Iterator[Violation]:
    unused = {
        "foundry": settings.foundry != FoundryModel(),
        "categories": bool(settings.categories),
        "acceptRetiringModel": settings.accept_retiring_model,
    }
    for setting, is_set in unused.items():
        if is_set:
            yield Violation(
                setting=setting,
                allowed=f"nothing, unless analyzer, shadow or a retained analyzer is {' or '.join(FOUNDRY_ANALYZERS)}",
                other_settings=("analyzer", "shadow", "retainedAnalyzers"),
            )


def foundry_warnings(
    *,
    analyzers: Collection[AnalyzerName],
    model: FoundryModel,
    stack_location: str,
    peak_rates: Mapping[AnalyzerName, float],
    features: Collection[Feature],
    today: date,
) -> Iterator[str]:
    """Yield what may not work although it is deployed, and what will end.

    Args:
        analyzers: All analyzers that are deployed.
        model: The model and its deployment.
        stack_location: Region of the stack, where the account is unless the model has a region of its own.
        peak_rates: Images per second of each analyzer in the busiest hours.
        features: What the model is asked for.
        today: The date on which models and services may be retired.
    """
    for analyzer in analyzers:
        yield from retirement_warnings(analyzer=analyzer, model=model, today=today)
        if analyzer in FOUNDRY_ANALYZERS:
            yield from _deployment_warnings(
                analyzer=analyzer,
                model=model,
                location=model.location or stack_location,
                peak_rate=peak_rates[analyzer],
                features=features,
            )


def _deployment_warnings(
    *,
    analyzer: AnalyzerName,
    model: FoundryModel,
    location: str,
    peak_rate: float,
    features: Collection[Feature],
) -> Iterator[str]:
    regions = [_REGIONS[model.deployment_type]]
    if analyzer == "content-understanding":
        regions.append(CONTENT_UNDERSTANDING)
    for region_list in regions:
        warning = region_list.warning(location, setting="foundry.location")
        if warning is not None:
            yield warning
    # What the quota is cannot be known here: it differs between subscriptions, models and regions.
    capacity = derive_capacity(model, peak_rate=peak_rate, features=model_features(analyzer, features))
    yield (
        f"foundry: the deployment takes {capacity:,},000 tokens per minute of the subscription's quota for {model.name}"
        f" ({model.deployment_type}) in {location}. If Azure refuses it with InsufficientQuota, request more"
        " (https://aka.ms/oai/stuquotarequest), or set capacityKTpm to what there is; images then wait in the queue"
    )
